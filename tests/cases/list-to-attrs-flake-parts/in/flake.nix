{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flake-parts.url = "github:hercules-ci/flake-parts";
  outputs = inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      systems = [ "x86_64-linux" "aarch64-linux" ];
      perSystem = { pkgs, lib, ... }: {
        devShells = builtins.listToAttrs [
          (lib.nameValuePair "default" (pkgs.mkShell { packages = [ pkgs.cargo ]; }))
        ];
      };
    };
}
