{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      RUSTC_WRAPPER = "sccache";
      CARGO_INCREMENTAL = "1";
      RUST_LOG = "debug";
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:was inherit RUSTC_WRAPPER RUST_LOG CARGO_INCREMENTAL;
        inherit RUST_LOG;
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
