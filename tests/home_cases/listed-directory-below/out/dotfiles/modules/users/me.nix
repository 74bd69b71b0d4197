{ pkgs, ... }:
{
  home-manager.users.me = {
    # >>> sccfg home >>> put here by `sccfg home`
    imports = [ ./_sccache.nix ];
    # <<< sccfg home <<<
    home.stateVersion = "26.05";
  };
}
