{ pkgs, config, ... }:
{
  languages.rust.enable = true;
  profiles = {
    ci.module = { env.CI = "1"; };
    fast.module = { env.RUSTC_WRAPPER = ""; };
  };
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  enterShell = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
