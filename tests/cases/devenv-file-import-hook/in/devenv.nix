{ pkgs, ... }:
{
  imports = [ ./nix/rust.nix ];
  packages = [ pkgs.cargo ];
}
