# The cases of `folder` that are to work, a folder each: the generation, and what is warned of.
{ evaluate, folder }:
let
  names = builtins.filter (
    name: !builtins.pathExists (folder + "/${name}/refused")
  ) (builtins.attrNames (builtins.readDir folder));
  case =
    name:
    let
      it = evaluate {
        configuration = folder + "/${name}/module.nix";
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
