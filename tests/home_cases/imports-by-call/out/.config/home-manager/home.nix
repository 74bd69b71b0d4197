{ lib, ... }:
{
  imports =
    # >>> sccfg home >>> put here by `sccfg home`
    # sccfg:inline " "
    [ ./sccache.nix ] ++
    # <<< sccfg home <<<
    map (name: ./. + "/${name}.nix") [ "git" ];
}
