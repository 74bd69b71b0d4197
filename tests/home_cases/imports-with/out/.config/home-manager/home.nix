{ ... }:
{
  imports = with { git = ./git.nix; }; [ git
    # >>> sccfg home >>> put here by `sccfg home`
    # sccfg:inline " "
    ./sccache.nix
    # <<< sccfg home <<<
  ];
}
