{ lib, ... }:
{
  imports = [ ./git.nix ] ++ lib.optional true ./other.nix;
}
