{
  programs.sccache = {
    enable = true;
    cache.size = 24000000000;
    cache.dir = "/big/sccache cache";
  };
}
