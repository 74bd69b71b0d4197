# perSystem.devenv.shells.<name> becomes devShells.<name>.
{ lib, flake-parts-lib, inputs, ... }:
{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    { config, pkgs, ... }:
    {
      options.devenv = {
        modules = lib.mkOption { type = lib.types.listOf lib.types.raw; default = [ ]; };
        shells = lib.mkOption {
          type = lib.types.attrsOf (
            lib.types.submoduleWith {
              modules = [ ./options.nix ];
              specialArgs = { inherit inputs pkgs; };
            }
          );
          default = { };
        };
      };
      config.devShells = builtins.mapAttrs (_: shell: shell.shell) config.devenv.shells;
    }
  );
}
