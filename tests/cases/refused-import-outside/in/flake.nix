{
  outputs = { ... }: {
    devShells.x86_64-linux.default = import ../elsewhere/shell.nix { };
  };
}
