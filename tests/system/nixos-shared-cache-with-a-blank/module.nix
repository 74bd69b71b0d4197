{
  programs.sccache = {
    enable = true;
    sharedCache.enable = true;
    sharedCache.dir = "/var/our cache/100%";
  };
}
