{ lib, ... }:
{
  languages.rust.enable = lib.mkDefault true;
}
