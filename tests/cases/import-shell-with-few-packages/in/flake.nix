{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      args = { inherit (pkgs) mkShell; toolchain = pkgs.rustc; };
    in {
      devShells.x86_64-linux.default = import ./shell.nix args;
    };
}
