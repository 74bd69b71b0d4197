{ mkShell, rustc }:
mkShell { packages = [ rustc ]; }
