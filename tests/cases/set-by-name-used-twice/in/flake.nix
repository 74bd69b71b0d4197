{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      args = {
        name = "tool";
        FOO = "bar";
      };
    in
    {
      packages.x86_64-linux.default = pkgs.stdenv.mkDerivation args;
      devShells.x86_64-linux.default = pkgs.mkShell args;
    };
}
