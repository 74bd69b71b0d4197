{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
    in
    {
      devShells.x86_64-linux = lib.mapAttrs' (n: c: {
        name = n;
        value = pkgs.mkShell { packages = [ c ]; };
      }) { default = pkgs.cargo; };
    };
}
