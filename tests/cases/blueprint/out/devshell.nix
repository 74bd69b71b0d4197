{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  pkgs,
  # <<< sccfg <<<
  perSystem, ... }:
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline "\n"
(
# <<< sccfg <<<
perSystem.self.base.overrideAttrs { BASE = "1"; }
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline "\n"
).overrideAttrs (old: {
  RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    <the hook>
  '' + (old.shellHook or "");
} // (if old ? env then {
  env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
} else { }))
# <<< sccfg <<<
