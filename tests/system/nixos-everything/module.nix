{ pkgs, ... }:
{
  environment.variables.EDITOR = "vi";
  programs.sccache = {
    enable = true;
    sccfgPackage = pkgs.sccfg-built;
    cache.size = "24GiB";
    cargo.enable = true;
    incremental = "off";
    wrapper = "portable";
    service.enable = true;
    settings.cache.multilevel.chain = [
      "disk"
      "redis"
    ];
    remote.redis = {
      endpoint = "redis://localhost:6379";
      username = "100%";
      environmentFile = "/run/secrets/redis";
    };
  };
}
