/*
  `programs.sccache` for NixOS: one config file for all users, and optionally one cache directory.

  sccache has no system-wide config file, so SCCACHE_CONF is set to a file in /etc.
*/
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkIf mkOption types;

  cfg = config.programs.sccache;
  sccache = import ./settings.nix { inherit lib pkgs; };
  shared = cfg.sharedCache;
  result = sccache.evaluate {
    inherit cfg;
    dir = if shared.enable then shared.dir else null;
    dirOption = "sharedCache.dir";
  };
  # A path in a rule of tmpfiles.
  quoted =
    path:
    let
      literal = lib.replaceStrings [ "%" ] [ "%%" ] path;
    in
    if builtins.match "[A-Za-z0-9_/.+-]*" path != null then path else builtins.toJSON literal;
  hasFile = result.settings != { };
  server = import ./server.nix { inherit lib pkgs; } {
    inherit cfg result;
    variables = lib.optionalAttrs hasFile { SCCACHE_CONF = "/etc/sccache/config"; };
    # These include session variables.
    session = config.environment.variables;
  };
in
{
  imports = [ ./dist.nix ];

  options.programs.sccache = sccache.options // {
    sharedCache = {
      enable = lib.mkEnableOption ''
        one cache directory for a group.

        Several users cannot share its entries: sccache creates each with mode 0600. Use it if one user
        builds several projects, for example a CI runner. For several users, use
        {option}`programs.sccache.remote`, for example with Redis on this machine'';
      dir = mkOption {
        type = sccache.outside;
        default = "/var/cache/sccache";
        description = "Path of the directory.";
      };
      group = mkOption {
        type = types.str;
        default = "sccache";
        example = "users";
        description = "Group of the directory. `sccache` is created; any other group must exist.";
      };
      user = mkOption {
        type = types.str;
        default = "root";
        example = "github-runner";
        description = "Owner of the directory.";
      };
      mode = mkOption {
        type = lib.mkOptionType {
          name = "mode";
          description = ''mode of a directory in octal digits, such as "2770"'';
          descriptionClass = "noun";
          check = value: builtins.isString value && builtins.match "[0-7]{3,4}" value != null;
          merge = lib.mergeEqualOption;
        };
        default = "2770";
        description = "Mode of the directory. With the leading 2, new files belong to the group as well.";
      };
    };
  };

  config = mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions =
          result.assertions
          # These include session variables. The removed one is set by this module.
          ++ result.variableAssertions "environment.variables" (
            removeAttrs config.environment.variables (lib.optional hasFile "SCCACHE_CONF")
          )
          ++ server.unitAssertions "environment.variables";
        inherit (result) warnings;

        environment.systemPackages = lib.filter (package: package != null) [
          cfg.package
          cfg.sccfgPackage
        ];
        environment.variables = lib.mkMerge [
          result.incremental
          (mkIf cfg.cargo.enable ({ RUSTC_WRAPPER = result.wrapper; } // result.portable))
        ];
      }

      (mkIf hasFile {
        environment.etc."sccache/config".source = sccache.file result.settings;
        # Services and desktop sessions need it as well as shells.
        environment.sessionVariables.SCCACHE_CONF = "/etc/sccache/config";
      })

      (mkIf shared.enable {
        users.groups = mkIf (shared.group == "sccache") { sccache = { }; };
        systemd.tmpfiles.rules = [ "d ${quoted shared.dir} ${shared.mode} ${shared.user} ${shared.group} -" ];
      })

      (mkIf cfg.service.enable {
        systemd.user.services.sccache = {
          description = "sccache server";
          documentation = [ "https://github.com/mozilla/sccache" ];
          wantedBy = [ "default.target" ];
          # root and the greeter have sessions as well, and compile nothing.
          unitConfig.ConditionUser = "!@system";
          # A restart would kill the compilers of a build.
          restartIfChanged = false;
          environment = server.unitEnvironment;
          serviceConfig = server.serviceConfig // {
            EnvironmentFile = server.unitEnvironmentFiles;
            ExecStart = server.start;
          };
        };
      })
    ]
  );
}
