{
  description = "Serves \"\${pages}\"";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    { nixpkgs, rust-overlay, ... }:
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
          pkgs = import nixpkgs {
            inherit system;
            overlays = [ rust-overlay.overlays.default ];
          };
          requested = pkgs.rust-bin.fromRustupToolchainFile ./rust-toolchain.toml;
          toolchain = requested.override (previous: {
            extensions = previous.extensions ++ [ "rust-src" ];
          });
        in
        {
          default = pkgs.mkShell {
            packages = [
              toolchain
              pkgs.rust-analyzer
            ];

            nativeBuildInputs = [
              pkgs.pkg-config # openssl-sys, pq-sys
              pkgs.protobuf # prost-build
            ];

            buildInputs = [
              pkgs.libpq # pq-sys
              pkgs.openssl # openssl-sys
            ];

            # Where rust-analyzer finds the standard library.
            RUST_SRC_PATH = "${toolchain}/lib/rustlib/src/rust/library";
          };
        }
      );
    };
}
