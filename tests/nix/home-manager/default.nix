# A configuration of home-manager's: the real one's with `homeManager` and `lib`, the stub's without.
{
  # Checkouts of nix-community/home-manager and nix-community/nixpkgs.lib.
  homeManager ? ./stub,
  lib ? import ./stub/lib.nix,
  # The modules that are tested.
  modules,
  # The program.
  sccfg,
  # Who it is for.
  user ? "me",
  home ? "/home/me",
}:
{
  configuration,
  darwin ? false,
}:
let
  pkgs = import ./pkgs.nix { inherit lib sccfg darwin; };
in
import (homeManager + "/modules") {
  inherit lib pkgs;
  minimal = true;
  check = false;
  configuration =
    { lib, modulesPath, ... }:
    {
      imports = [
        (modules + "/home-manager.nix")
        configuration
      ];
      # It needs more of nixpkgs than there is.
      disabledModules = [ "services-modular" ];
      _module.args.pkgs = lib.mkForce pkgs;
      home = {
        username = user;
        homeDirectory = home;
        stateVersion = "24.11";
        enableNixpkgsReleaseCheck = false;
      };
      manual.manpages.enable = false;
    };
}
