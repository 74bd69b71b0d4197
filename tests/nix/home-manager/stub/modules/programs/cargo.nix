# programs.cargo: a config file below ~/.cargo.
{ config, lib, pkgs, ... }:
let
  cfg = config.programs.cargo;
  toml = pkgs.formats.toml { };
in
{
  options.programs.cargo = {
    enable = lib.mkEnableOption "management of cargo config";
    package = lib.mkPackageOption pkgs "cargo" { nullable = true; };
    settings = lib.mkOption {
      inherit (toml) type;
      default = { };
    };
  };
  config = lib.mkIf cfg.enable {
    home.packages = lib.optional (cfg.package != null) cfg.package;
    home.file.".cargo/config.toml".source = toml.generate "config.toml" cfg.settings;
  };
}
