{ pkgs, inputs }:
pkgs.mkShell {
  packages = [ pkgs.cargo ];
  INPUTS = if inputs ? nixpkgs then "yes" else "no";
}
