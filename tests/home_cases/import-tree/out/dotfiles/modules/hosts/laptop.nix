{ inputs, ... }:
{
  flake.modules.nixos.laptop = {
    imports = [ inputs.home-manager.nixosModules.home-manager ];
    home-manager.users.me = {
      # >>> sccfg home >>> put here by `sccfg home`
      imports = [ ./_sccache.nix ];
      # <<< sccfg home <<<
      home.stateVersion = "26.05";
    };
  };
}
