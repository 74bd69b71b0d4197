{ pkgs, ... }:
{
  home-manager = {
    useGlobalPkgs = true;
    users.me.programs.git.enable = true;
    users.me
      # >>> sccfg home >>> put here by `sccfg home`
      # sccfg:inline "."
      = { imports = [ ./sccache.nix ];
      # <<< sccfg home <<<
      home.username = "me";
    # >>> sccfg home >>> put here by `sccfg home`
    # sccfg:inline " "
    };
    # <<< sccfg home <<<
    users.me.home.stateVersion = "24.11";
  };
}
