# The server of the session has another address than sccache's default.
{
  environment.sessionVariables.SCCACHE_SERVER_UDS = "$XDG_RUNTIME_DIR/100%/sccache.sock";
  programs.sccache = {
    enable = true;
    service.enable = true;
  };
}
