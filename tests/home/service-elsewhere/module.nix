# Another address, and another place of the config.
{ pkgs, config, ... }:
{
  xdg.configHome = "${config.home.homeDirectory}/etc";
  home.sessionVariables.SCCACHE_SERVER_UDS = "$XDG_RUNTIME_DIR/sccache.sock";
  programs.sccache = {
    enable = true;
    sccfgPackage = pkgs.sccfg-built;
    cache.size = "24GiB";
    service.enable = true;
  };
}
