{ mkShell, cargo, sccache }:
mkShell {
  packages = [ cargo sccache ];
}
