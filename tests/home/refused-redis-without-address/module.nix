{
  programs.sccache = {
    enable = true;
    remote.redis.db = 1;
  };
}
