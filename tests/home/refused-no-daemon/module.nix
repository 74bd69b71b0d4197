{
  programs.sccache = {
    enable = true;
    service.enable = true;
  };
  home.sessionVariables.SCCACHE_NO_DAEMON = 1;
}
