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
    # First: what the shell does next may depend on it, or end in another shell.
    enterShell = lib.mkBefore cfg.shellHook;
    warnings = shell.warnings "sccfg" cfg;
  };
}
