# Variables are attributes of `env`, the hook is `enterShell`, whose definitions are put together.
{ lib, config, pkgs, ... }:
let
  inherit (lib) mkOption types;
  enable = mkOption { type = types.bool; default = false; };
  packages = mkOption { type = types.listOf types.package; default = [ ]; };
  open = mkOption { type = types.anything; default = { }; };
in
{
  options = {
    name = mkOption { type = types.nullOr types.str; default = null; };
    inherit packages;
    env = mkOption { type = types.attrsOf types.anything; default = { }; };
    enterShell = mkOption { type = types.lines; default = ""; };
    enterTest = mkOption { type = types.lines; default = ""; };
    stdenv = mkOption { type = types.package; default = pkgs.stdenv; };
    inputsFrom = mkOption { type = types.listOf types.package; default = [ ]; };
    languages.rust = {
      inherit enable;
      channel = mkOption { type = types.str; default = "nixpkgs"; };
      version = mkOption { type = types.str; default = "latest"; };
      components = mkOption { type = types.listOf types.str; default = [ ]; };
      targets = mkOption { type = types.listOf types.str; default = [ ]; };
      mold.enable = enable;
      toolchain = open;
    };
    languages.nix.enable = enable;
    languages.javascript = open;
    languages.python = open;
    languages.c = open;
    profiles = open;
    scripts = open;
    processes = open;
    tasks = open;
    services = open;
    git-hooks = open;
    pre-commit = open;
    devenv = open;
    dotenv = open;
    cachix = open;
    difftastic = open;
    containers = open;
    treefmt = open;
    unsetEnvVars = mkOption { type = types.listOf types.str; default = [ ]; };
    warnings = mkOption { type = types.listOf types.str; default = [ ]; };
    shell = mkOption { type = types.package; };
  };

  config = {
    packages = lib.mkIf config.languages.rust.enable (with pkgs; [ rustc cargo clippy rustfmt rust-analyzer ]);
    shell = lib.foldr lib.warn ((pkgs.mkShell.override { inherit (config) stdenv; }) (
      builtins.mapAttrs (_: value: if builtins.isBool value then lib.boolToString value else value) config.env
      // {
        name = if config.name == null then "devenv-shell" else config.name;
        inherit (config) inputsFrom packages;
        shellHook = ''
          export DEVENV_ROOT=$PWD
          ${config.enterShell}
        '';
      }
    )) config.warnings;
  };
}
