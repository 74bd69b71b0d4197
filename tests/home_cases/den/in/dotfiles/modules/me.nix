{ lib, ... }:
{
  den.aspects.me = {
    nixos = { pkgs, ... }: { environment.systemPackages = [ pkgs.hello ]; };
    homeManager = { pkgs, ... }: {
      home.stateVersion = lib.mkDefault "26.05";
    };
  };
}
