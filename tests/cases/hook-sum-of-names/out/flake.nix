{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      greeting = ''
        export GREETED=1
      '';
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook =
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline "\n          "
          ''
            <the hook>
          '' +
          # <<< sccfg <<<
          greeting
          + ''
            echo mine
          '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
