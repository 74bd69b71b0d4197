{ config, lib, ... }:
{
  # >>> sccfg home >>> put here by `sccfg home`
  imports = [ ./sccache.nix ];
  # <<< sccfg home <<<
  options.my.enable = lib.mkOption { default = true; };

  config = lib.mkIf config.my.enable {
    home.file."greeting".text = "hello";
  };
}
