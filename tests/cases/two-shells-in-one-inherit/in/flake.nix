{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      packages.${system} = {
        default = pkgs.stdenv.mkDerivation { name = "one"; A = "1"; };
        ci = pkgs.stdenv.mkDerivation { name = "two"; A = "2"; };
      };
      devShells.${system} = {
        inherit (self.packages.${system}) default ci;
      };
    };
}
