{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forAllSystems = f: nixpkgs.lib.genAttrs systems (system: f system);
      nixpkgsFor = forAllSystems (system: import nixpkgs { inherit system; overlays = [ ]; });
    in
    {
      devShells = forAllSystems (system: {
        default = nixpkgsFor.${system}.mkShell {
          PROJECT = "tool";
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${nixpkgsFor.${system}.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '';
          # <<< sccfg <<<
        };
      });
    };
}
