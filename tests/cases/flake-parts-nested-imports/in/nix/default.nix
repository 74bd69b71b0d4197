{ inputs, ... }:
{
  imports = [ ./shells.nix ];
}
