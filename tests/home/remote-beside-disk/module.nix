{
  programs.sccache = {
    enable = true;
    cache.size = "24GiB";
    remote.redis.endpoint = "redis://localhost";
  };
}
