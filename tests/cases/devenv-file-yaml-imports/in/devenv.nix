{ pkgs, ... }:
{
  env.A = "1";
}
