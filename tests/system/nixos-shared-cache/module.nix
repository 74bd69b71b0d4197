{
  programs.sccache = {
    enable = true;
    cache.size = "100GiB";
    sharedCache.enable = true;
  };
}
