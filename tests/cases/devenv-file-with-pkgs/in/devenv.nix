{ config, ... }:
with import <nixpkgs> { };
{
  packages = [ pkgs.cargo ];
}
