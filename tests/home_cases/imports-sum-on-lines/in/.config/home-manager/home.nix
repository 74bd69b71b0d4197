{ lib, ... }:
{
  imports =
    lib.optional true ./other.nix
    ++ [
      ./git.nix
    ];
}
