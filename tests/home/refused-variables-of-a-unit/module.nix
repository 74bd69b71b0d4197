{
  home.sessionVariables.SCCACHE_SERVER_UDS = "$XDG_CACHE_HOME/sccache.sock";
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.redis = {
      endpoint = "redis://localhost";
      environmentFile = "$HOMES/redis";
    };
  };
}
