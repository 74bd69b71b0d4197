{ pkgs, lib, config, ... }:
{
  config = lib.mkMerge [
    (lib.mkIf config.languages.rust.enable { env.A = "1"; })
    {
      languages.rust.enable = true;
      enterShell =
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        ''
          <the hook>
        '' +
        # <<< sccfg <<<
        "echo merged";
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
      env.CARGO_INCREMENTAL = "0";
      # <<< sccfg <<<
    }
  ];
}
