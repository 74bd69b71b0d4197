{ config, ... }:
{
  flake.modules.homeManager.base =
    { pkgs, ... }:
    {
      home.stateVersion = "26.05";
      home.packages = [ pkgs.hello ];
    };
}
