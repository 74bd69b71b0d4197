{ config, ... }:
{
  environment.systemPackages = [ config.me.package ];
}
