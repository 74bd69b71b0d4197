{ lib, ... }:
{
  home-manager.users = lib.genAttrs [ "me" ] (name: import ./${name}.nix);
}
