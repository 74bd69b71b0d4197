{
  programs.sccache = {
    enable = true;
    cache.dir = "cache";
  };
}
