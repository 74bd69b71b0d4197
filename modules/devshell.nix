# numtide's devshell: `sccfg`.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.sccfg;
  shell = import ./shell.nix { inherit lib pkgs; };
in
{
  _file = ./devshell.nix;

  options.sccfg = shell.options cfg;

  config = lib.mkIf cfg.enable {
    env = lib.mapAttrsToList (name: value: { inherit name value; }) cfg.env;
    devshell = {
      packages = shell.packages cfg;
      # Startup texts run in the order of their names; this one is the first.
      startup."0-sccfg".text = lib.foldr lib.warn cfg.shellHook (shell.warnings "sccfg" cfg);
    };
  };
}
