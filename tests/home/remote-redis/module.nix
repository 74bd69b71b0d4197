# The variables replace the table of the file as a whole, so all of it is told to the server.
{
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.redis = {
      endpoint = "redis://cache.example.org:6379";
      username = "100% me";
      db = 2;
      ttl = 604800;
      key_prefix = "/linux";
      rw_mode = "READ_ONLY";
      environmentFile = "$XDG_RUNTIME_DIR/agenix/redis";
    };
  };
}
