{
  programs.sccache = {
    enable = true;
    remote.redis = {
      endpoint = "redis://localhost";
      environmentFile = "/run/secrets/redis";
    };
  };
}
