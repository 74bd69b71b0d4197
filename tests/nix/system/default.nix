# The modules for NixOS and nix-darwin over the options of these that they set, which are declared here
# and go nowhere else.
{
  lib ? import ../home-manager/stub/lib.nix,
  # The modules that are tested.
  modules,
  # The program.
  sccfg,
}:
let
  inherit (lib) mkOption types;
  set = mkOption {
    type = types.attrsOf types.anything;
    default = { };
  };
  list =
    type:
    mkOption {
      type = types.listOf type;
      default = [ ];
    };

  common = {
    environment = {
      systemPackages = list types.package;
      etc = set;
      variables = set;
    };
    assertions = list types.anything;
    warnings = list types.str;
  };
  nixos =
    { config, ... }:
    {
      options = lib.recursiveUpdate common {
        environment.sessionVariables = set;
        users.groups = set;
        systemd.tmpfiles.rules = list types.str;
        systemd.user.services = set;
        systemd.services = set;
        networking.firewall.allowedTCPPorts = list types.int;
      };
      # Shells get those of sessions as well.
      config.environment.variables = config.environment.sessionVariables;
    };
  darwin.options = lib.recursiveUpdate common { launchd.user.agents = set; };

  evaluate =
    {
      configuration,
      isDarwin ? false,
    }:
    let
      pkgs = import ../home-manager/pkgs.nix {
        inherit lib sccfg;
        darwin = isDarwin;
      };
      inherit
        (lib.evalModules {
          specialArgs = { inherit lib; };
          modules = [
            (if isDarwin then darwin else nixos)
            (modules + (if isDarwin then "/nix-darwin.nix" else "/nixos.nix"))
            configuration
            { _module.args.pkgs = pkgs; }
          ];
        })
        config
        ;
      failed = lib.filter (it: !it.assertion) config.assertions;
      effects =
        builtins.removeAttrs config (
          [
            "_module"
            "assertions"
            "programs"
            "services"
          ]
          # Most configurations open no port and have no service of the system.
          ++ lib.optional (config.networking.firewall.allowedTCPPorts or [ ] == [ ]) "networking"
        )
        // {
          environment = builtins.removeAttrs config.environment [ "etc" ] // {
            systemPackages = map (package: package.name) config.environment.systemPackages;
          };
        }
        // lib.optionalAttrs (config ? systemd) {
          systemd = builtins.removeAttrs config.systemd (
            lib.optional (config.systemd.services == { }) "services"
          );
        };
    in
    if failed != [ ] then
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (it: "- ${it.message}") failed}"
    else
      pkgs.runCommand "system" { } ''
        mkdir $out
        cp ${pkgs.writeText "effects" (builtins.toJSON effects)} $out/effects.json
        ${lib.concatStrings (
          lib.mapAttrsToList (name: file: ''
            mkdir -p "$(dirname $out/etc/${name})"
            cp ${file.source} $out/etc/${name}
          '') config.environment.etc
        )}
      '';
in
{
  inherit evaluate;
  # The cases of `directory` that are to work.
  cases =
    directory:
    (import ../nixpkgs { }).linkFarm "cases" (
      map (name: {
        inherit name;
        path = evaluate {
          configuration = directory + "/${name}/module.nix";
          isDarwin = builtins.match "darwin-.*" name != null;
        };
      }) (builtins.filter (name: !builtins.pathExists (directory + "/${name}/refused")) (
        builtins.attrNames (builtins.readDir directory)
      ))
    );
}
