{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs =
    { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      makers.default = pkgs.stdenv.mkDerivation { name = "x"; OWN = "1"; };
    in
    {
      packages.x86_64-linux = { inherit (makers) default; };
      devShells.x86_64-linux = { inherit (makers) default; };
    };
}
