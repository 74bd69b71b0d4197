# mkFlake with the stub's module system, and the lib of the caller's nixpkgs.
let
  libOf =
    inputs:
    let
      candidates = builtins.filter (input: input ? lib.evalModules) (
        [ inputs.nixpkgs-lib or { } inputs.nixpkgs or { } ] ++ builtins.attrValues (removeAttrs inputs [ "self" ])
      );
    in
    (builtins.head candidates).lib;

  # Outputs that stand at <output>.<system> in the flake.
  transposed = [ "apps" "checks" "devShells" "formatter" "legacyPackages" "packages" ];

  perSystemOptions =
    { lib, ... }:
    let
      attrs = type: lib.mkOption { type = lib.types.lazyAttrsOf type; default = { }; };
    in
    {
      options = {
        packages = attrs lib.types.package;
        devShells = attrs lib.types.package;
        checks = attrs lib.types.package;
        apps = attrs lib.types.raw;
        legacyPackages = attrs lib.types.raw;
        overlayAttrs = attrs lib.types.raw;
        formatter = lib.mkOption { type = lib.types.nullOr lib.types.package; default = null; };
        debug = lib.mkOption { type = lib.types.bool; default = false; };
      };
    };

  lib' = rec {
    mkPerSystemType = module: throw "mkPerSystemType is not in this stub";
    mkFlake =
      {
        inputs,
        self ? inputs.self,
        specialArgs ? { },
        ...
      }:
      module:
      let
        lib = libOf inputs;
        withLib = {
          inherit lib inputs self;
          flake-parts-lib = helpers lib;
        } // specialArgs;
        system =
          system: input:
          builtins.mapAttrs (_: value: value.${system}) (
            lib.filterAttrs (_: value: builtins.isAttrs value && value ? ${system}) (
              builtins.intersectAttrs (lib.genAttrs transposed (_: null)) input
            )
          );
        result =
          (lib.evalModules {
            specialArgs = withLib;
            modules = [
              module
              {
                options = {
                  systems = lib.mkOption { type = lib.types.listOf lib.types.str; };
                  debug = lib.mkOption { type = lib.types.bool; default = false; };
                  flake = lib.mkOption { type = lib.types.anything; default = { }; };
                  transposition = lib.mkOption { type = lib.types.anything; default = { }; };
                  perSystem = lib.mkOption {
                    type = lib.types.deferredModuleWith { staticModules = [ perSystemOptions ]; };
                    default = { };
                  };
                };
                config._module.args = {
                  withSystem = name: f: f (argsOf name // { config = perSystem name; });
                  moduleWithSystem = throw "moduleWithSystem is not in this stub";
                  getSystem = perSystem;
                };
              }
            ];
          }).config;
        argsOf = name: {
          system = name;
          inputs' = builtins.mapAttrs (_: system name) inputs;
          self' = system name self;
          pkgs = inputs.nixpkgs.legacyPackages.${name};
        };
        perSystem =
          name:
          (lib.evalModules {
            specialArgs = builtins.removeAttrs withLib [ ] // { system = name; };
            prefix = [ "perSystem" name ];
            modules = [
              result.perSystem
              { config._module.args = builtins.mapAttrs (_: lib.mkDefault) (argsOf name); }
            ];
          }).config;
        all = lib.genAttrs result.systems perSystem;
        output =
          name:
          lib.filterAttrs (_: value: value != null && value != { }) (
            builtins.mapAttrs (_: config: config.${name}) all
          );
      in
      lib.filterAttrs (_: value: value != { }) (lib.genAttrs transposed output) // result.flake
      // lib.genAttrs (builtins.filter (name: result.flake ? ${name}) transposed) (
        name: lib.recursiveUpdate (output name) result.flake.${name}
      );
  };
  helpers =
    lib:
    lib'
    // {
      mkPerSystemOption =
        module:
        lib.mkOption {
          type = lib.types.deferredModuleWith { staticModules = [ module ]; };
        };
      importApply = file: args: import file args;
      mkTransposedPerSystemModule = { name, option, file }: { };
    };
in
lib' // { inherit (lib') mkFlake; importApply = file: args: import file args; inherit helpers; }
