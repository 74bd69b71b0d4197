{ lib, flake-parts-lib, self, ... }:
{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    { config, pkgs, ... }:
    {
      options.treefmt = {
        projectRootFile = lib.mkOption { type = lib.types.str; default = "flake.nix"; };
        projectRoot = lib.mkOption { type = lib.types.raw; default = self; };
        flakeFormatter = lib.mkOption { type = lib.types.bool; default = true; };
        flakeCheck = lib.mkOption { type = lib.types.bool; default = true; };
        package = lib.mkOption { type = lib.types.package; default = pkgs.treefmt; };
        programs = lib.mkOption { type = lib.types.anything; default = { }; };
        settings = lib.mkOption { type = lib.types.anything; default = { }; };
        build.wrapper = lib.mkOption { type = lib.types.package; default = pkgs.writeShellScriptBin "treefmt" "exit 0"; };
        build.programs = lib.mkOption { type = lib.types.raw; default = { }; };
        build.devShell = lib.mkOption { type = lib.types.package; default = pkgs.mkShellNoCC { packages = [ config.treefmt.build.wrapper ]; }; };
      };
      config.formatter = config.treefmt.build.wrapper;
    }
  );
}
