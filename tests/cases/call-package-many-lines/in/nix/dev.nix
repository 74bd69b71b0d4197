{
  mkShell,
  rustc,
  cargo,
  withTools ? true,
  ...
}:

mkShell {
  packages = [
    rustc
    cargo
  ];
}
