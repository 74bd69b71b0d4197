{ mkShell, cargo }:
mkShell {
  packages = [ cargo ];
  WHERE = "shell.nix";
}
