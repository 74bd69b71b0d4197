{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    home-manager.url = "github:nix-community/home-manager";
  };
  outputs =
    { nixpkgs, home-manager, ... }:
    let
      overlays = {
        nixpkgs.overlays = [ ];
      };
    in
    {
      nixosConfigurations.laptop = nixpkgs.lib.nixosSystem {
        modules = [
          overlays
          ./configuration.nix
        ];
      };
      homeConfigurations.me = home-manager.lib.homeManagerConfiguration {
        pkgs = nixpkgs.legacyPackages.x86_64-linux;
        modules = [
          overlays
          {
            # >>> sccfg home >>> put here by `sccfg home`
            imports = [ ./sccache.nix ];
            # <<< sccfg home <<<
            home.username = "me";
            home.homeDirectory = "/home/me";
            home.stateVersion = "25.05";
          }
        ];
      };
    };
}
