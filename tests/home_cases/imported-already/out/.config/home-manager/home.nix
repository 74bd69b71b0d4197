{ ... }:
{
  imports = [ ./sccache.nix ];
}
