{ pkgs, ... }:
{
  programs.sccache = {
    enable = true;
    sccfgPackage = pkgs.sccfg-built;

    # The cache on this disk, and behind it the team's.
    cache.size = "24GiB";
    settings.cache.multilevel.chain = [ "disk" "redis" ];
    remote.redis = {
      endpoint = "redis://cache.example.org:6379";
      # SCCACHE_REDIS_PASSWORD=…
      environmentFile = "/run/secrets/sccache";
    };

    # A server as long as you are logged in, and cargo through it also outside of dev shells.
    service.enable = true;
    cargo.enable = true;
    incremental = "off";
  };
}
