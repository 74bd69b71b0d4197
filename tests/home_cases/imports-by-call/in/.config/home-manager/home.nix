{ lib, ... }:
{
  imports = map (name: ./. + "/${name}.nix") [ "git" ];
}
