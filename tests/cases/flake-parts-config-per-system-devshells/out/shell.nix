{ pkgs, ... }: {
  config.devshells.default = {
    packages = [ pkgs.cargo ];
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    env = [
      { name = "RUSTC_WRAPPER"; value = "${pkgs.sccache}/bin/sccache"; }
      { name = "CARGO_INCREMENTAL"; value = "0"; }
    ];
    devshell.startup."0-sccfg".text = ''
      <the hook>
    '';
    # <<< sccfg <<<
  };
}
