{
  description = "Development shell of pinned";

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
          # The hash of the manifest of this release. Nix reports the right one when the shell is
          # first entered; it changes with the channel in the file.
          sha256 = pkgs.lib.fakeSha256;
          toolchain = rust.combine [
            (rust.fromToolchainFile {
              file = ./rust-toolchain.toml;
              inherit sha256;
            })
            (rust.fromToolchainName {
              name = (pkgs.lib.importTOML ./rust-toolchain.toml).toolchain.channel;
              inherit sha256;
            }).rust-src
          ];
        in
        {
          default = pkgs.mkShell {
            packages = [
              toolchain
              pkgs.rust-analyzer
            ];

            # Where rust-analyzer finds the standard library.
            RUST_SRC_PATH = "${toolchain}/lib/rustlib/src/rust/library";
          };
        }
      );
    };
}
