{
  inputs.nixpkgs-stable.url = "github:NixOS/nixpkgs/nixos-25.05";
  outputs = { nixpkgs-stable, ... }:
    let
      system = "x86_64-linux";
      pkgs-stable = nixpkgs-stable.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs-stable.mkShell {
        packages = [ pkgs-stable.cargo ];
      };
    };
}
