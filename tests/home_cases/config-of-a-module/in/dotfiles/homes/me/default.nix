{ lib, ... }:
{
  options.me.enable = lib.mkEnableOption "my home";

  config = {
    home = {
      username = "me";
      stateVersion = "26.05";
    };
  };
}
