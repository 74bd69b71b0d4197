{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  pkgs,
  # <<< sccfg <<<
  mkShell,
  cargo,
}:
mkShell {
  packages = [ cargo ];
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  NIX_CFLAGS_LINK = "${(p: p.lib.optionalString p.stdenv.hostPlatform.isLinux "-fuse-ld=mold -B${if p ? mold-unwrapped then p.mold else p.mold-wrapped}/bin") pkgs}";
  shellHook = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
