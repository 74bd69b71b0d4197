# Every key that is one.
{
  programs.sccache = {
    enable = true;
    settings = {
      cache.redis.password = "x";
      cache.memcached.password = "x";
      cache.azure.connection_string = "x";
      cache.webdav.password = "x";
      cache.webdav.token = "x";
      dist.auth.token = "x";
    };
  };
}
