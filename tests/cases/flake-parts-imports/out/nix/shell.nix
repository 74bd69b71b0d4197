{
  perSystem =
    { pkgs, ... }:
    {
      devShells.default = pkgs.mkShell {
        WHERE = "nix/shell.nix";
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          <the hook>
          # <<< sccfg <<<
          echo "module hook"
        '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
