{ config, pkgs, ... }:

{
  # Who this is for.
  home.stateVersion = "24.11";
}
