{ mkShell, cargo, rustc }:
mkShell {
  packages = [ cargo rustc ];
  env.A = "1";
}
