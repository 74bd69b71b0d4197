{ pkgs }:
pkgs.mkShell {
  WHERE = "shell.nix";
  shellHook = ''
    echo "shell file hook"
  '';
}
