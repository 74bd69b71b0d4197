{ lib, ... }:
let
  isModule = name: lib.hasSuffix ".nix" name && !(lib.hasPrefix "_" name) && name != "default.nix";
in
{
  imports = map (name: ./. + "/${name}") (
    lib.filter isModule (lib.attrNames (builtins.readDir ./.))
  );
}
