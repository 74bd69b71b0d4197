{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    home-manager.url = "github:nix-community/home-manager";
  };

  outputs =
    { nixpkgs, home-manager, ... }@inputs:
    {
      homeConfigurations = {
        "me@laptop" = home-manager.lib.homeManagerConfiguration {
          pkgs = nixpkgs.legacyPackages.x86_64-linux;
          extraSpecialArgs = { inherit inputs; };
          modules = [
            {
              # >>> sccfg home >>> put here by `sccfg home`
              imports = [ ./sccache.nix ];
              # <<< sccfg home <<<
              home.stateVersion = "24.11";
            }
          ];
        };
      };
    };
}
