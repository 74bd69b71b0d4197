{ config, ... }:
{
  home-manager.users.${config.me.name}.home.stateVersion = "26.05";
}
