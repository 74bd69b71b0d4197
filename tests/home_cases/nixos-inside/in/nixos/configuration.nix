{ config, pkgs, ... }:
{
  home-manager = {
    useGlobalPkgs = true;
    users.me = { pkgs, ... }: {
      home.stateVersion = "24.11";
    };
    users.you = { };
  };
}
