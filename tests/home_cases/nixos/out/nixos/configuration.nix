{ config, pkgs, ... }:
{
  imports = [ <home-manager/nixos> ];

  home-manager.users.me = import ./home.nix;
}
