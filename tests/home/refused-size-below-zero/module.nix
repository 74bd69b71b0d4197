{
  programs.sccache = {
    enable = true;
    cache.size = -1;
  };
}
