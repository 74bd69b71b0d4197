{ lib, config, pkgs, ... }:
let
  inherit (lib) mkOption types;
  text = default: mkOption { type = types.lines; inherit default; };
  optional = type: mkOption { type = types.nullOr type; default = null; };

  variable = types.submodule {
    options = {
      name = mkOption { type = types.str; };
      value = optional (types.oneOf [ types.str types.int types.bool types.package ]);
      eval = optional types.str;
      prefix = optional types.str;
      unset = mkOption { type = types.bool; default = false; };
    };
  };
  command = types.submodule {
    options = {
      name = optional types.str;
      category = mkOption { type = types.str; default = "[general commands]"; };
      help = optional types.str;
      command = optional types.str;
      package = optional types.package;
    };
  };

  export =
    { name, value, eval, prefix, unset, ... }:
    let
      given = builtins.filter (x: x != null) [ value eval prefix ];
    in
    if builtins.length given + (if unset then 1 else 0) != 1 then
      throw "[[environ]]: ${name} wants exactly one of value, eval, prefix and unset."
    else if unset then
      "unset ${name}"
    else if value != null then
      "export ${name}=${lib.escapeShellArg (if builtins.isBool value then lib.boolToString value else value)}"
    else if eval != null then
      "export ${name}=${eval}"
    else
      "export ${name}=$(realpath -m \"${prefix}\")\${${name}+:\${${name}}}";
  commands = map (
    { name, command, package, ... }: if package != null then package else pkgs.writeShellScriptBin name command
  ) (builtins.filter (c: c.package != null || c.command != null) config.commands);
in
{
  options = {
    name = mkOption { type = types.str; default = "devshell"; };
    motd = text "";
    packages = mkOption { type = types.listOf types.package; default = [ ]; };
    packagesFrom = mkOption { type = types.listOf types.package; default = [ ]; };
    env = mkOption { type = types.listOf variable; default = [ ]; };
    commands = mkOption { type = types.listOf command; default = [ ]; };
    bash.extra = text "";
    bash.interactive = text "";
    devshell = {
      name = mkOption { type = types.str; default = config.name; };
      motd = text "";
      packages = mkOption { type = types.listOf types.package; default = [ ]; };
      packagesFrom = mkOption { type = types.listOf types.package; default = [ ]; };
      prj_root_fallback = optional types.raw;
      load_profiles = mkOption { type = types.bool; default = false; };
      startup = mkOption {
        type = types.attrsOf (types.submodule {
          options = {
            text = mkOption { type = types.str; };
            deps = mkOption { type = types.listOf types.str; default = [ ]; };
          };
        });
        default = { };
      };
      startup_env = mkOption { type = types.str; default = ""; };
      shell = mkOption { type = types.package; };
    };
  };

  config.devshell.shell = pkgs.mkShellNoCC {
    name = config.devshell.name;
    packages = config.packages ++ config.devshell.packages ++ commands;
    inputsFrom = config.packagesFrom ++ config.devshell.packagesFrom;
    shellHook = lib.concatStringsSep "\n" (
      [ "export PRJ_ROOT=$PWD" ]
      ++ map export config.env
      ++ lib.mapAttrsToList (_: startup: startup.text) config.devshell.startup
      ++ [ config.bash.extra ]
    );
  };
}
