{ config, ... }:
{
  flake.modules.homeManager.base =
    { pkgs, ... }:
    {
      # >>> sccfg home >>> put here by `sccfg home`
      imports = [ ./_sccache.nix ];
      # <<< sccfg home <<<
      home.stateVersion = "26.05";
      home.packages = [ pkgs.hello ];
    };
}
