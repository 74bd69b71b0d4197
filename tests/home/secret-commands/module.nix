{
  programs.sccache = {
    enable = true;
    remote.redis.endpoint = "redis://cache.example.org";
    secretCommands.redis = "pass show sccache";
  };
}
