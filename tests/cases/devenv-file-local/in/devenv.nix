{ pkgs, ... }:
{
  languages.rust.enable = true;
}
