{ config, ... }:
with import <nixpkgs> { };
{
  packages = [ pkgs.cargo ];
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${(import <nixpkgs> { }).sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  enterShell = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
