{ pkgs, lib, ... }:
{
  packages = [ pkgs.cargo ];
  enterShell = lib.mkIf pkgs.stdenv.hostPlatform.isDarwin ''
    echo mac
  '';
}
