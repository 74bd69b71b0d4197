{ mkShell
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
, sccache
# <<< sccfg <<<
, rustc
, cargo
}:

mkShell {
  packages = [ rustc cargo ];
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  RUSTC_WRAPPER = "${sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
