{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
    in
    {
      devShells.x86_64-linux = lib.mapAttrs' (name: packages: {
        inherit name;
        value = pkgs.mkShell { inherit packages; };
      }) { default = [ pkgs.cargo ]; ci = [ ]; };
    };
}
