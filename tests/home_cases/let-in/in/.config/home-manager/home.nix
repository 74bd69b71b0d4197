{ pkgs, lib, ... }:
let
  text = "hello";
in
with lib;
{
  home.file."greeting".text = optionalString true text;
}
