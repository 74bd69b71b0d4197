{ pkgs, lib, config, inputs, ... }:

{
  # https://devenv.sh/basics/
  env.GREET = "devenv";

  # https://devenv.sh/packages/
  packages = [ pkgs.git ];

  languages.rust.enable = true;

  enterShell = ''
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    <the hook>
    # <<< sccfg <<<
    echo "hello from $GREET"
  '';

  # See full reference at https://devenv.sh/reference/options/
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = "0";
  # <<< sccfg <<<
}
