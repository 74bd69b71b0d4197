{ lib, ... }:
{
  imports = lib.filesystem.listFilesRecursive ./modules ++ map (it: ./hosts + "/${it}") (builtins.attrNames (builtins.readDir ./hosts));
}
