# The cases of `directory` that are to work, a directory each: the generation, and what is warned
# of.
{ evaluate, directory }:
let
  names = builtins.filter (
    name: !builtins.pathExists (directory + "/${name}/refused")
  ) (builtins.attrNames (builtins.readDir directory));
  case =
    name:
    let
      it = evaluate {
        configuration = directory + "/${name}/module.nix";
        darwin = builtins.match "darwin-.*" name != null;
      };
    in
    pkgs.runCommand name { } ''
      mkdir $out
      ln -s ${it.activationPackage} $out/generation
      ln -s ${pkgs.writeText "warnings" (builtins.concatStringsSep "\n" it.config.warnings)} $out/warnings
    '';
  pkgs = import ../nixpkgs { };
in
pkgs.linkFarm "cases" (
  map (name: {
    inherit name;
    path = case name;
  }) names
)
