{
  programs.sccache = {
    enable = true;
    cache.size = "24GiB";
  };
}
