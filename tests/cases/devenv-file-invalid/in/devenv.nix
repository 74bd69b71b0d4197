{ pkgs, ... }: { packages = [ pkgs.cargo ; }
