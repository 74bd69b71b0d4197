{
  programs.sccache.enable = true;
  home.sessionVariables.SCCACHE_REDIS_PASSWORD = "x";
  systemd.user.sessionVariables.AWS_SECRET_ACCESS_KEY = "x";
}
