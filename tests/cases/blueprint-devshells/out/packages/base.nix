{ pkgs }:
pkgs.mkShell { packages = [ pkgs.cargo ]; }
