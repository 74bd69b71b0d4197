{ lib, ... }:
{
  den.aspects.me = {
    nixos = { pkgs, ... }: { environment.systemPackages = [ pkgs.hello ]; };
    homeManager = { pkgs, ... }: {
      # >>> sccfg home >>> put here by `sccfg home`
      imports = [ ./_sccache.nix ];
      # <<< sccfg home <<<
      home.stateVersion = lib.mkDefault "26.05";
    };
  };
}
