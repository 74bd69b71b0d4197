{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flake-utils.url = "github:numtide/flake-utils";
  outputs = { nixpkgs, flake-utils, ... }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = nixpkgs.legacyPackages.${system};
        devShells.default = pkgs.mkShell {
          packages = [ pkgs.cargo ];
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '';
          # <<< sccfg <<<
        };
      in
      {
        inherit devShells;
        formatter = pkgs.nixfmt-rfc-style;
      });
}
