{
  perSystem =
    {
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      # sccfg:inline " "
      inputs',
      # <<< sccfg <<<
      pkgs, ... }:
    {
      devShells.default = pkgs.mkShell {
        WHERE = "nix/shell.nix";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          PATH=${inputs'.sccfg.packages.default}/bin:$PATH
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
