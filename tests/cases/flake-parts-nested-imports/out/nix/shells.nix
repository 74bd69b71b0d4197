{ ... }: {
  perSystem = { pkgs, lib, ... }:
    let
      tools = with pkgs; [ cargo ];
    in
    {
      devShells = {
        default = pkgs.mkShell {
          packages = tools;
          A = "1";
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '';
          # <<< sccfg <<<
        };
      };
    };
}
