{ pkgs, lib, config, ... }:
{
  imports = [ ./nix/rust.nix ];

  options.greeting = lib.mkOption { type = lib.types.str; default = "hi"; };

  config = {
    env.GREETING = config.greeting;
    packages = [ pkgs.git ];
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
    env.CARGO_INCREMENTAL = "0";
    enterShell = ''
      <the hook>
    '';
    # <<< sccfg <<<
  };
}
