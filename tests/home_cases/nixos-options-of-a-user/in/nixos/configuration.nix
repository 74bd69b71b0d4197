{ pkgs, ... }:
{
  home-manager = {
    useGlobalPkgs = true;
    users.me.programs.git.enable = true;
    users.me.home.username = "me"; users.me.home.stateVersion = "24.11";
  };
}
