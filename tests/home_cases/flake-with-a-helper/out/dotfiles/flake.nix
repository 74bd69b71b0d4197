{
  inputs.home-manager.url = "github:nix-community/home-manager";

  outputs =
    { nixpkgs, home-manager, ... }:
    let
      mkHome =
        modules:
        home-manager.lib.homeManagerConfiguration {
          pkgs = nixpkgs.legacyPackages.x86_64-linux;
          modules = [ ./common.nix ] ++ modules;
        };
    in
    {
      homeConfigurations.me = mkHome [ ./me.nix ];
    };
}
