{ pkgs, ... }:
{
  programs.sccache = {
    enable = true;
    sccfgPackage = pkgs.sccfg-built;
    cargo.enable = true;
    wrapper = "portable";
    cache.size = "24GiB";
  };
}
