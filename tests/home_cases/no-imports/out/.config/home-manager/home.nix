{ config, pkgs, ... }:

{
  # >>> sccfg home >>> put here by `sccfg home`
  imports = [ ./sccache.nix ];
  # <<< sccfg home <<<
  # Who this is for.
  home.stateVersion = "24.11";
}
