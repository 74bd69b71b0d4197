# perSystem.devshells.<name> becomes devShells.<name>.
{ lib, flake-parts-lib, ... }:
{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    { config, pkgs, ... }:
    {
      options.devshells = lib.mkOption {
        type = lib.types.attrsOf (
          lib.types.submoduleWith {
            modules = [ ./options.nix ];
            specialArgs = { inherit pkgs; };
          }
        );
        default = { };
      };
      config.devShells = builtins.mapAttrs (_: shell: shell.devshell.shell) config.devshells;
    }
  );
}
