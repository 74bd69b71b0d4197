{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flake-utils.url = "github:numtide/flake-utils";
  outputs = { self, nixpkgs, flake-utils }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = nixpkgs.legacyPackages.${system};
      in
      {
        checks.pre-commit-check = pkgs.mkShell { shellHook = "export CHECKED=1"; };
        devShells.default = pkgs.mkShell {
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was inherit (self.checks.${system}.pre-commit-check) shellHook;
          shellHook = ''
            <the hook>
          '' + self.checks.${system}.pre-commit-check.shellHook;
          # <<< sccfg <<<
          buildInputs = [ pkgs.cargo ];
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          # <<< sccfg <<<
        };
      });
}
