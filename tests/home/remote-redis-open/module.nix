{
  programs.sccache = {
    enable = true;
    cache.size = "24GiB";
    settings.cache.multilevel.chain = [
      "disk"
      "redis"
    ];
    remote.redis.cluster_endpoints = "redis://a:6379,redis://b:6379";
  };
}
