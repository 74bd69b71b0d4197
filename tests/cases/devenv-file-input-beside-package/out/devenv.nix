{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  inputs,
  # <<< sccfg <<<
  pkgs, ... }:
{
  languages.rust.enable = true;
  enterShell =
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline " "
    ''
      PATH=${inputs.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
      ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
    '' +
    # <<< sccfg <<<
    "echo entered";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  # <<< sccfg <<<
}
