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
      perSystem = { pkgs, ... }: {
        devenv.shells.default = {
          languages.rust.enable = true;
          env = {
            DB = "dev.db";
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
            CARGO_INCREMENTAL = "0";
            # <<< sccfg <<<
          };
          enterShell = ''
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            <the hook>
            # <<< sccfg <<<
            echo "from enterShell"
          '';
        };
      };
    };
}
