{ pkgs, ... }:
{
  home.sessionVariables.SCCACHE_SERVER_PORT = 4300;
  programs.sccache = {
    enable = true;
    sccfgPackage = pkgs.sccfg-built;
    cache.size = "24GiB";
    service.enable = true;
    remote.redis = {
      endpoint = "redis://cache.example.org:6379";
      environmentFile = "/run/secrets/redis";
    };
    settings.cache.multilevel.chain = [
      "disk"
      "redis"
    ];
  };
}
