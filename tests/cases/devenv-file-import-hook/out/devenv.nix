{ pkgs, ... }:
{
  imports = [ ./nix/rust.nix ];
  packages = [ pkgs.cargo ];
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  enterShell = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
