{
  programs.sccache = {
    enable = true;
    cache.size = "24 apples";
  };
}
