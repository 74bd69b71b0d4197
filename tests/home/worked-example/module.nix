{ pkgs, ... }:
{
  programs.sccache = {
    enable = true;
    sccfgPackage = pkgs.sccfg-built;

    # The local cache first, then the team's.
    cache.size = "24GiB";
    settings.cache.multilevel.chain = [ "disk" "redis" ];
    remote.redis = {
      endpoint = "redis://cache.example.org:6379";
      # SCCACHE_REDIS_PASSWORD=…
      environmentFile = "/run/secrets/sccache";
    };

    # A server while you are logged in; cargo uses it outside of dev shells as well.
    service.enable = true;
    cargo.enable = true;
    incremental = "off";
  };
}
