{
  outputs = { self, nixpkgs, ... }:
    let
      systems = [ "x86_64-linux" "aarch64-darwin" ];
      forAllSystems = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in {
      devShells = forAllSystems (pkgs: rec {
        shared = { env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache"; inherit (pkgs) hello; };
        default = pkgs.mkShell ({ packages = [ ]; } // pkgs.lib.optionalAttrs true { A = 1; });
        other = (pkgs.mkShell.override { stdenv = pkgs.clangStdenv; }) rec {
          SCCACHE_DIR = "/tmp/cache"; CARGO_BUILD_INCREMENTAL = "1";
        };
      });
    };
}
