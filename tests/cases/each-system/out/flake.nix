{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flake-utils.url = "github:numtide/flake-utils";
  outputs = inputs: with inputs;
    flake-utils.lib.eachSystem [ "x86_64-linux" "aarch64-linux" ] (system:
      let pkgs = nixpkgs.legacyPackages.${system}; in rec {
        devShells = {
          default = pkgs.mkShell {
            nativeBuildInputs = [ pkgs.cargo ];
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
            CARGO_INCREMENTAL = "0";
            shellHook = ''
              <the hook>
            '';
            # <<< sccfg <<<
          };
        };
      }
    );
}
