{ pkgs, inputs }:
pkgs.mkShell {
  packages = [ pkgs.cargo ];
  INPUTS = toString (builtins.length (builtins.attrNames inputs));
}
