{
  programs.sccache = {
    enable = true;
    cache.size = "1.5TiB";
    settings = {
      server_startup_timeout_ms = 20000;
      basedirs = [
        "/home/me/src"
        "/home/me/\"other\""
      ];
      cache.disk = {
        rw_mode = "READ_ONLY";
        preprocessor_cache_mode.use_preprocessor_cache_mode = true;
      };
    };
  };
}
