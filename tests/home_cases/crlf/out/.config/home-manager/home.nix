{ config, lib, pkgs, ... }:

{
  # You can import other home-manager modules here
  imports = [
    ./git.nix

    # You can also split up your configuration and import pieces of it here:
    # ./nvim.nix
    # >>> sccfg home >>> put here by `sccfg home`
    ./sccache.nix
    # <<< sccfg home <<<
  ];

  home.stateVersion = "24.11";
}
