{ pkgs, ... }:
{
  imports = [ ./nix/rust.nix ];
  env.A = "1";
}
