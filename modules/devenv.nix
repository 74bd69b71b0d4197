# devenv: `sccfg`.
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
  _file = ./devenv.nix;

  options.sccfg = shell.options cfg;

  config = lib.mkIf cfg.enable {
    packages = shell.packages cfg;
    inherit (cfg) env;
    # First, because other hooks may depend on it, or replace the shell.
    enterShell = lib.mkBefore cfg.shellHook;
    warnings = shell.warnings "sccfg" cfg;
  };
}
