# A shell from modules: variables are elements of the list `env`, hooks are `devshell.startup`,
# and what is no option is refused.
{ pkgs }:
let
  inherit (pkgs) lib;
  eval =
    { configuration, extraSpecialArgs ? { } }:
    lib.evalModules {
      modules = [
        ./options.nix
        configuration
      ];
      specialArgs = { inherit pkgs; } // extraSpecialArgs;
    };
in
{
  inherit eval;
  mkShell = configuration: (eval { inherit configuration; }).config.devshell.shell;
  mkNakedShell = { name, profile, ... }: pkgs.mkShellNoCC { inherit name; packages = [ profile ]; };
  importTOML = file: _: lib.importTOML file;
  fromTOML = file: (eval { configuration = lib.importTOML file; }).config.devshell.shell;
}
