{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  sccache,
  # <<< sccfg <<<
  mkShell, rustc, cargo }:
mkShell {
  packages = [ rustc cargo ];
  PKG = "called";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  RUSTC_WRAPPER = "${sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
