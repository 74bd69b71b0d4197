{
  programs.sccache = {
    enable = true;
    incremental = "on";
  };
}
