# A user name is no secret, and a prefix is no address.
{
  programs.sccache = {
    enable = true;
    remote.redis = {
      endpoint = "redis://me@cache.example.org";
      key_prefix = "a:b@c";
    };
  };
}
