{ lib, ... }:
let
  modules = [ ./git.nix ];
in
{
  imports =
    # >>> sccfg home >>> put here by `sccfg home`
    # sccfg:inline " "
    [ ./sccache.nix ] ++
    # <<< sccfg home <<<
    modules;
}
