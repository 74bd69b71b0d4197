{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  buildPackages,
  # <<< sccfg <<<
  mkShell,
  cargo,
}:
mkShell {
  packages = [ cargo ];
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  RUSTC_WRAPPER = "${buildPackages.sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
