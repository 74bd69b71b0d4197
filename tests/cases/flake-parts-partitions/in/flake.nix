{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flake-parts.url = "github:hercules-ci/flake-parts";

  outputs =
    inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      systems = [ "x86_64-linux" ];
      imports = [ flake-parts.flakeModules.partitions ];
      partitionedAttrs.devShells = "dev";
      partitions.dev.module = ./nix/dev.nix;
    };
}
