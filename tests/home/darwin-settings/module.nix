{
  programs.sccache = {
    enable = true;
    cache.size = "24GiB";
    cache.dir = "/Users/me/cache";
    cargo.enable = true;
  };
}
