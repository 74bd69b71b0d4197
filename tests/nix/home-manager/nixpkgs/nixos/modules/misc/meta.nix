# What nixpkgs' file of this name declares: home-manager takes it from there.
{ lib, ... }:
{
  options.meta = lib.mkOption {
    type = lib.types.attrsOf lib.types.raw;
    default = { };
  };
}
