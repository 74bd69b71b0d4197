{ inputs, ... }:
{
  imports = [ inputs.flake-parts.flakeModules.modules ];
  flake.modules = {
    nixos.base.system.stateVersion = "26.05";
    homeManager.base = {
      imports = [ ./_git.nix ];
      config.home = {
        username = "me";
        stateVersion = "26.05";
      };
    };
  };
}
