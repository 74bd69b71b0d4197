{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  inputs,
  # <<< sccfg <<<
  pkgs, ... }:
{
  languages.rust.enable = true;
  env.A = "1";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${inputs.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/libexec/sccfg/sccache";
  env.SCCFG_SCCACHE = "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  enterShell = ''
    PATH=${inputs.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
    ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
  '';
  # <<< sccfg <<<
}
