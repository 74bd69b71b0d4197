{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook =
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline " "
          ''
            <the hook>
          '' +
          # <<< sccfg <<<
          pkgs.lib.concatStringsSep "\n" [
          ''
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            # sccfg:was export RUSTC_WRAPPER=/opt/other
            # <<< sccfg <<<
            echo mine
          ''
          "export CARGO_INCREMENTAL=1"
        ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
