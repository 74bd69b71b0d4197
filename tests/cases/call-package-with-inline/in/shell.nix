{ mkShell, rustc, own }:
mkShell {
  packages = [ rustc ];
  MINE = own;
}
