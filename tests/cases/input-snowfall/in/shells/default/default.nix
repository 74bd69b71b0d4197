{ mkShell, cargo, inputs, ... }:
mkShell {
  packages = [ cargo ];
}
