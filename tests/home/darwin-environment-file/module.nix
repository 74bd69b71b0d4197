# launchd runs a script, which can do more than systemd: this is where agenix has its files.
{
  home.sessionVariables.SCCACHE_SERVER_UDS = "$HOME/Library/Caches/$UID.sock";
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.redis = {
      endpoint = "redis://localhost";
      environmentFile = "$(getconf DARWIN_USER_TEMP_DIR)/agenix/redis";
    };
  };
}
