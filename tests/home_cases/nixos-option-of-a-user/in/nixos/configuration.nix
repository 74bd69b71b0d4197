{ pkgs, user, ... }:
{
    environment.systemPackages = [ pkgs.hello ];
    home-manager.users.${user}.home.stateVersion = "24.11"; # see the manual
    home-manager.useGlobalPkgs = true;
}
