# The server of the session has another address than sccache's default.
{
  environment.variables.SCCACHE_SERVER_PORT = 4300;
  programs.sccache = {
    enable = true;
    service.enable = true;
  };
}
