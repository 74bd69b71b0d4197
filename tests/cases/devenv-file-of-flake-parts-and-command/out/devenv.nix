{ pkgs, ... }:
{
  languages.rust.enable = true;
  enterShell =
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline " "
    ''
      <the hook>
    '' +
    # <<< sccfg <<<
    "echo entered";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  # <<< sccfg <<<
}
