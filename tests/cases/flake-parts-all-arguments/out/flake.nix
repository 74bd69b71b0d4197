{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-parts.url = "github:hercules-ci/flake-parts";
    rust-overlay.url = "github:oxalica/rust-overlay";
    systems.url = "github:nix-systems/default";
  };

  outputs =
    inputs:
    inputs.flake-parts.lib.mkFlake { inherit inputs; } {
      systems = import inputs.systems;
      perSystem =
        {
          config,
          self',
          inputs',
          pkgs,
          system,
          lib,
          ...
        }:
        {
          _module.args.pkgs = import inputs.nixpkgs {
            inherit system;
            overlays = [ inputs.rust-overlay.overlays.default ];
          };
          devShells = {
            default = pkgs.mkShell {
              nativeBuildInputs = [ pkgs.rust-bin.stable.latest.default ];
              # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
              RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
              CARGO_INCREMENTAL = "0";
              shellHook = ''
                <the hook>
              '';
              # <<< sccfg <<<
            };
          };
        };
    };
}
