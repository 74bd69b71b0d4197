{ lib, ... }:
{
  imports =
    lib.optional true ./other.nix
    ++ [
      ./git.nix
      # >>> sccfg home >>> put here by `sccfg home`
      ./sccache.nix
      # <<< sccfg home <<<
    ];
}
