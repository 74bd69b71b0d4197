{
  pkgs ? import <nixpkgs> { },
  extra ? [ ],
}:

with pkgs;

mkShell {
  packages = [ cargo ] ++ extra;
}
