args:
args.mkShell { packages = [ args.toolchain ]; }
