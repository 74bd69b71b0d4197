{ pkgs, config, ... }:
let
  greeting = "hi";
in
{
  packages = with pkgs; [ cargo sccache ];
  env = {
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:was RUSTC_WRAPPER = "sccache";
    RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
    # <<< sccfg <<<
    GREETING = greeting;
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    CARGO_INCREMENTAL = "0";
    # <<< sccfg <<<
  };
  enterShell = ''
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:was sccache --stop-server
    <the hook>
    # <<< sccfg <<<
    echo "$GREETING"
  '';
}
