{ ... }:
{
  imports = [
    # >>> sccfg home >>> put here by `sccfg home`
    ./sccache.nix
    # <<< sccfg home <<<
  ];
}
