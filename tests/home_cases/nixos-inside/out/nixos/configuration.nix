{ config, pkgs, ... }:
{
  home-manager = {
    useGlobalPkgs = true;
    users.me = { pkgs, ... }: {
      # >>> sccfg home >>> put here by `sccfg home`
      imports = [ ./sccache.nix ];
      # <<< sccfg home <<<
      home.stateVersion = "24.11";
    };
    users.you = { };
  };
}
