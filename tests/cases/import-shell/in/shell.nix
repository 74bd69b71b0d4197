{ pkgs }:
pkgs.mkShell {
  FROM = "shell.nix";
}
