{ inputs, ... }:
{
  imports = [ inputs.flake-parts.flakeModules.modules ];
  flake.modules = {
    nixos.base.system.stateVersion = "26.05";
    homeManager.base = {
      imports = [ ./_git.nix
        # >>> sccfg home >>> put here by `sccfg home`
        # sccfg:inline " "
        ./_sccache.nix
        # <<< sccfg home <<<
      ];
      config.home = {
        username = "me";
        stateVersion = "26.05";
      };
    };
  };
}
