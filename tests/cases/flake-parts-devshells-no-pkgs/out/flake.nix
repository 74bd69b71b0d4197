{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-parts.url = "github:hercules-ci/flake-parts";
    devshell.url = "github:numtide/devshell";
  };

  outputs = inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      imports = [ inputs.devshell.flakeModule ];
      systems = [ "x86_64-linux" ];
      perSystem = {
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        pkgs,
        # <<< sccfg <<<
        ... }: {
        devshells.default = {
          devshell.name = "tool";
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          env = [
            { name = "RUSTC_WRAPPER"; value = "${pkgs.sccache}/bin/sccache"; }
            { name = "CARGO_INCREMENTAL"; value = "0"; }
          ];
          devshell.startup."0-sccfg".text = ''
            <the hook>
          '';
          # <<< sccfg <<<
        };
      };
    };
}
