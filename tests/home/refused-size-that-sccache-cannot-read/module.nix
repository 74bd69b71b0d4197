{
  programs.sccache = {
    enable = true;
    settings.cache.disk.size = "24GiB";
  };
}
