{ pkgs, ... }:
{
  home-manager.users.me = {
    home.stateVersion = "26.05";
  };
}
