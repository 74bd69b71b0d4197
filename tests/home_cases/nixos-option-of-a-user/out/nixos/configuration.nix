{ pkgs, user, ... }:
{
    environment.systemPackages = [ pkgs.hello ];
    home-manager.users.${user}
        # >>> sccfg home >>> put here by `sccfg home`
        # sccfg:inline "."
        = { imports = [ ./sccache.nix ];
        # <<< sccfg home <<<
        home.stateVersion = "24.11"; # see the manual
    # >>> sccfg home >>> put here by `sccfg home`
    };
    # <<< sccfg home <<<
    home-manager.useGlobalPkgs = true;
}
