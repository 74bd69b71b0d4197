{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      common = {
        RUSTC_WRAPPER = "sccache";
        RUST_LOG = "debug";
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        env = { A = "1"; } // common
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline ""
          // {
            RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
            CARGO_INCREMENTAL = "0";
          }
          # <<< sccfg <<<
          ;
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
