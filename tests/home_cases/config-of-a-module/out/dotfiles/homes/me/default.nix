{ lib, ... }:
{
  # >>> sccfg home >>> put here by `sccfg home`
  imports = [ ./sccache.nix ];
  # <<< sccfg home <<<
  options.me.enable = lib.mkEnableOption "my home";

  config = {
    home = {
      username = "me";
      stateVersion = "26.05";
    };
  };
}
