{
  programs.sccache = {
    enable = true;
    sharedCache.enable = true;
    settings.cache.disk.dir = "/elsewhere";
    settings.cache.webdav.token = "x";
  };
  environment.sessionVariables.SCCACHE_CACHE_SIZE = "10G";
}
