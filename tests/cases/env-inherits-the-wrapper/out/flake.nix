{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      RUSTC_WRAPPER = "sccache";
      RUST_LOG = "debug";
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        env = {
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was inherit RUSTC_WRAPPER RUST_LOG;
          inherit RUST_LOG;
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          # <<< sccfg <<<
        };
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
