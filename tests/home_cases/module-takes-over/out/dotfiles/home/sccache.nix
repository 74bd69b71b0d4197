# Made by `sccfg home`; yours to edit. As it was made: 674d30a9
{
  programs.sccache = {
    enable = true;
    cache.size = "50GiB";
    cache.dir = "/tmp/mine";
    # sccache's own names and values.
    settings = fromTOML ''
      # mine
      server_startup_timeout_ms = 20000

      [cache.disk]

      [cache.disk.preprocessor_cache_mode]
      use_preprocessor_cache_mode = true
    '';
  };
}
