/*
  `programs.sccache` for nix-darwin: one config file for all users, and a server for the primary user.

  sccache has no system-wide config file, so SCCACHE_CONF is set to a file in /etc.
*/
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkIf;

  cfg = config.programs.sccache;
  sccache = import ./settings.nix { inherit lib pkgs; };
  result = sccache.evaluate {
    inherit cfg;
    dirOption = "settings.cache.disk.dir";
  };
  hasFile = result.settings != { };
  conf = lib.optionalAttrs hasFile { SCCACHE_CONF = "/etc/sccache/config"; };
  server = import ./server.nix { inherit lib pkgs; } {
    inherit cfg result;
    variables = conf;
    session = config.environment.variables;
  };
in
{
  options.programs.sccache = sccache.options;

  config = mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions =
          result.assertions
          # Set by this module.
          ++ result.variableAssertions "environment.variables" (
            removeAttrs config.environment.variables (lib.attrNames conf)
          );
        inherit (result) warnings;

        environment.systemPackages = lib.filter (package: package != null) [
          cfg.package
          cfg.sccfgPackage
        ];
        environment.variables = lib.mkMerge [
          conf
          result.incremental
          (mkIf cfg.cargo.enable ({ RUSTC_WRAPPER = result.wrapper; } // result.portable))
        ];
      }

      (mkIf hasFile {
        environment.etc."sccache/config".source = sccache.file result.settings;
      })

      (mkIf cfg.service.enable {
        environment.etc."sccache/server".source = pkgs.writeScript "sccache-server" server.script;
        launchd.user.agents.sccache = {
          command = "/etc/sccache/server";
          serviceConfig = server.agent;
        };
      })
    ]
  );
}
