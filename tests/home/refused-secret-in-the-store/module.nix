{
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.redis = {
      endpoint = "redis://localhost";
      environmentFile = builtins.toFile "redis" "SCCACHE_REDIS_PASSWORD=x";
    };
  };
}
