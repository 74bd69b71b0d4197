{
  programs.sccache = {
    enable = true;
    remote.gha.version = "2";
  };
}
