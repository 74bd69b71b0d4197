{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  pkgs,
  # <<< sccfg <<<
  perSystem, inputs, ... }:
perSystem.self.base
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline "\n"
.overrideAttrs (old: {
  RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    PATH=${inputs.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
    ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
  '' + (old.shellHook or "");
} // (if old ? env then {
  env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
} else { }))
# <<< sccfg <<<
