{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-parts.url = "github:hercules-ci/flake-parts";
    devenv.url = "github:cachix/devenv";
  };
  outputs = inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      imports = [ inputs.devenv.flakeModule ];
      systems = [ "x86_64-linux" "aarch64-linux" ];
      perSystem = { pkgs, lib, ... }: {
        devenv.shells.default =
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline " "
          { imports = [ (
          # <<< sccfg <<<
          {
          env = lib.mkIf pkgs.stdenv.hostPlatform.isLinux { A = "1"; };
          enterShell = lib.mkMerge [
            "echo one"
            (lib.mkIf false "echo two")
          ];
        }
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
