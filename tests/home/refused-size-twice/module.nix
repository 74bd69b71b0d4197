{
  programs.sccache = {
    enable = true;
    cache.size = "24GiB";
    cache.dir = "/a";
    settings.cache.disk = {
      size = 5000000000;
      dir = "/b";
    };
  };
}
