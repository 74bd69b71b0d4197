{ pkgs, ... }:
{
  env.A = "1";
  packages = [ pkgs.cargo ];
}
