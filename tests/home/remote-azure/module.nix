# Before 0.19 the table is an error without the connection string, so it is not written.
{
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.azure = {
      container = "sccache";
      key_prefix = "linux";
      environmentFile = "/run/secrets/azure";
    };
  };
}
