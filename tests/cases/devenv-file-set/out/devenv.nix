# Plain options.
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
{ pkgs, ... }:
# <<< sccfg <<<
{
  languages.rust.enable = true;
  env.A = "1";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  enterShell = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
