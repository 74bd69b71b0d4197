{
  programs.sccache = {
    enable = true;
    cache.size = "24GiB";
    service.enable = true;
  };
  environment.variables.SCCACHE_DIR = "/x";
  environment.variables.SCCACHE_NO_DAEMON = "1";
}
