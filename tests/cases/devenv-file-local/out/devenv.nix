{ pkgs, ... }:
{
  languages.rust.enable = true;
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  enterShell = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
