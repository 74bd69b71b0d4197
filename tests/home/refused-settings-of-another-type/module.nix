{
  programs.sccache = {
    enable = true;
    settings = "[cache.disk]";
  };
}
