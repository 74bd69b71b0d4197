{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  pkgs,
  # <<< sccfg <<<
  mkShell, rustc }:
mkShell { packages = [ rustc ];
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
