{ lib, flake-parts-lib, ... }:
{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    { config, pkgs, ... }:
    {
      options.pre-commit = {
        check.enable = lib.mkOption { type = lib.types.bool; default = true; };
        settings = lib.mkOption { type = lib.types.anything; default = { }; };
        pkgs = lib.mkOption { type = lib.types.raw; default = pkgs; };
        installationScript = lib.mkOption { type = lib.types.str; default = config.pre-commit.shellHook; };
        shellHook = lib.mkOption { type = lib.types.str; default = "export GIT_HOOKS_INSTALLED=1\n"; };
        devShell = lib.mkOption {
          type = lib.types.package;
          default = pkgs.mkShellNoCC { shellHook = config.pre-commit.shellHook; };
        };
      };
    }
  );
}
