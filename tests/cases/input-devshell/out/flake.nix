{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    devshell.url = "github:numtide/devshell";
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    sccfg = {
      url = "github:owner/sccfg";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    # <<< sccfg <<<
  };

  outputs =
    {
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      # sccfg:inline " "
      sccfg,
      # <<< sccfg <<<
      nixpkgs, devshell, ... }:
    let
      pkgs = import nixpkgs {
        system = "x86_64-linux";
        overlays = [ devshell.overlays.default ];
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.devshell.mkShell {
        env = [
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          { name = "RUSTC_WRAPPER"; value = "${sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/libexec/sccfg/sccache"; }
          { name = "SCCFG_SCCACHE"; value = "${pkgs.sccache}/bin/sccache"; }
          { name = "CARGO_INCREMENTAL"; value = "0"; }
          # <<< sccfg <<<
          { name = "RUST_LOG"; value = "info"; }
        ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        devshell.startup."0-sccfg".text = ''
          PATH=${sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
          ${sccfg.lib.shellHook { size = "24GiB"; }}
        '';
        # <<< sccfg <<<
      };
    };
}
