{ config, lib, ... }:
{
  options.my.enable = lib.mkOption { default = true; };

  config = lib.mkIf config.my.enable {
    home.file."greeting".text = "hello";
  };
}
