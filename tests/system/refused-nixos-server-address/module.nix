{
  environment.variables.SCCACHE_SERVER_UDS = "/run/user/$UID/sccache.sock";
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.redis = {
      endpoint = "redis://localhost";
      environmentFile = "$XDG_CONFIG_HOME/redis";
    };
  };
}
