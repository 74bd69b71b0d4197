{ pkgs ? import <nixpkgs> { } }:
pkgs.mkShell {
  nativeBuildInputs = with pkgs; [ cargo ];
  shellHook = ''
    exec nu
  '';
}
