{
  outputs =
    { nixpkgs, home-manager, ... }:
    {
      nixosConfigurations.laptop = nixpkgs.lib.nixosSystem {
        modules = [
          home-manager.nixosModules.home-manager
          {
            home-manager.users.me.imports = [ ./shell.nix ./home.nix ];
          }
        ];
      };
    };
}
