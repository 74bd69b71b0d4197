{ inputs, ... }:
{
  flake.modules.nixos.laptop = {
    imports = [ inputs.home-manager.nixosModules.home-manager ];
    home-manager.users.me = {
      home.stateVersion = "26.05";
    };
  };
}
