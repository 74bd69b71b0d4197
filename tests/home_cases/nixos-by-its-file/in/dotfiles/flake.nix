{
  outputs =
    { nixpkgs, home-manager, ... }:
    {
      nixosConfigurations.laptop = nixpkgs.lib.nixosSystem {
        modules = [
          home-manager.nixosModules.home-manager
          ./users
        ];
      };
    };
}
