{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      callPackage = nixpkgs.lib.callPackageWith { inherit (pkgs) mkShell rustc; };
    in {
      devShells.x86_64-linux.default = callPackage ./shell.nix { };
    };
}
