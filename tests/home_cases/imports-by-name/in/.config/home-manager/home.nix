{ lib, ... }:
let
  modules = [ ./git.nix ];
in
{
  imports = modules;
}
