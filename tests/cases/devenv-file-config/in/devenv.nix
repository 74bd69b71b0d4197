{ pkgs, lib, config, ... }:
{
  imports = [ ./nix/rust.nix ];

  options.greeting = lib.mkOption { type = lib.types.str; default = "hi"; };

  config = {
    env.GREETING = config.greeting;
    packages = [ pkgs.git ];
  };
}
