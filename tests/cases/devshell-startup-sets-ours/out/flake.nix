{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-utils.url = "github:numtide/flake-utils";
    devshell.url = "github:numtide/devshell";
  };
  outputs = { self, nixpkgs, flake-utils, devshell }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = import nixpkgs {
          inherit system;
          overlays = [ devshell.overlays.default ];
        };
      in
      {
        devShells.default = pkgs.devshell.mkShell {
          packages = [ pkgs.cargo ];
          devshell.startup.rust.text = ''
            echo ready
            unset RUSTC_WRAPPER
          '';
          devshell.interactive = {
            PS1.text = "PS1='> '";
            rust = { text = builtins.readFile ./rust.sh; };
          };
          devshell.startup.stop = pkgs.lib.noDepEntry "sccache --stop-server";
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
      });
}
