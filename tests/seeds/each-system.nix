{
  outputs = { self, nixpkgs, flake-utils, rust-overlay, ... }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = import nixpkgs { inherit system; overlays = [ (import rust-overlay) ]; };
        rust = pkgs.rust-bin.stable.latest.default;
      in with pkgs; {
        packages.default = rustPlatform.buildRustPackage { name = "x"; };
        devShells = {
          default = mkShell {
            buildInputs = [ rust openssl ];
            env = {
              RUST_BACKTRACE = "1";
              CARGO_INCREMENTAL = "1";
            };
            shellHook = ''
              export RUSTC_WRAPPER=${sccache}/bin/sccache
              export SCCACHE_CACHE_SIZE="10G"
              sccache --stop-server || true
            '';
          };
          ci = mkShell { buildInputs = [ rust ]; };
        };
      });
}
