{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-parts.url = "github:hercules-ci/flake-parts";
    devenv.url = "github:cachix/devenv";
  };
  outputs = inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      imports = [ inputs.devenv.flakeModule ];
      systems = [ "x86_64-linux" ];
      perSystem = { pkgs, ... }: {
        devenv.shells.default =
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline "   "
          { imports = [ (
          # <<< sccfg <<<
          inputs.devenv.lib.module pkgs
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline ""
          ) ({ pkgs, lib, ... }: {
            env.RUSTC_WRAPPER = lib.mkForce "${pkgs.sccache}/bin/sccache";
            env.CARGO_INCREMENTAL = lib.mkForce "0";
            enterShell = lib.mkBefore ''
              <the hook>
            '';
          }) ]; }
          # <<< sccfg <<<
        ;
      };
    };
}
