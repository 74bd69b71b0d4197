{
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.memcached = {
      url = "tcp://cache.example.org:11211";
      username = "me";
      expiration = 3600;
      key_prefix = "linux";
      environmentFile = "/run/secrets/memcached";
    };
  };
}
