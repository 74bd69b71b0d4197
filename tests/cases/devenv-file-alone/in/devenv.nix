{ pkgs, ... }: { packages = [ pkgs.cargo ]; }
