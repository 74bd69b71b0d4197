{ pkgs, ... }:
{
  home.stateVersion = "24.11";
  programs.sccache.enable = true;
}
