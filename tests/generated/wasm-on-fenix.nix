{
  description = "Development shell of wasm";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    fenix = {
      url = "github:nix-community/fenix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    { nixpkgs, fenix, ... }:
    let
      forAllSystems = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin" # up to nixpkgs 26.05
        "aarch64-darwin"
      ];
    in
    {
      devShells = forAllSystems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
          rust = fenix.packages.${system};
          # The toolchain of rust-toolchain.toml, in the release that flake.lock pins: fenix reads
          # the file itself only with a hash, which changes with every release.
          toolchain = rust.combine [
            (rust.latest.withComponents [
              "cargo"
              "rust-analyzer"
              "rust-src"
              "rustc"
            ])
            rust.targets.wasm32-unknown-unknown.latest.rust-std
            rust.targets."thumbv8m.main-none-eabi".latest.rust-std
          ];
        in
        {
          default = pkgs.mkShell {
            packages = [
              toolchain
            ];

            # Where rust-analyzer finds the standard library.
            RUST_SRC_PATH = "${toolchain}/lib/rustlib/src/rust/library";
          };
        }
      );
    };
}
