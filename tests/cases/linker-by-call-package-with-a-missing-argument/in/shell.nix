{
  mkShell,
  cargo,
}:
mkShell {
  packages = [ cargo ];
}
