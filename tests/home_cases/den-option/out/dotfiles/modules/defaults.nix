{ lib, ... }:
{
  den.default = {
    nixos.system.stateVersion = "26.05";
    homeManager
      # >>> sccfg home >>> put here by `sccfg home`
      # sccfg:inline "."
      = { imports = [ ./_sccache.nix ];
      # <<< sccfg home <<<
      home.stateVersion = "26.05";
    # >>> sccfg home >>> put here by `sccfg home`
    };
    # <<< sccfg home <<<
  };
}
