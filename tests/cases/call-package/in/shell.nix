{ mkShell, rustc, cargo }:
mkShell {
  packages = [ rustc cargo ];
  PKG = "called";
}
