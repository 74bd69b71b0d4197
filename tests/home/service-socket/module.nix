# A server that no other user can reach.
{ pkgs, ... }:
{
  programs.sccache = {
    enable = true;
    sccfgPackage = pkgs.sccfg-built;
    cache.size = "24GiB";
    service.enable = true;
    service.socket = true;
  };
}
