{ pkgs, ... }:
{
  programs.sccache = {
    enable = true;
    sccfgPackage = pkgs.sccfg-built;
    cache.size = 25769803776;
    cargo.enable = true;
    incremental = "off";
    service.enable = true;
  };
}
