{
  # All there is.
  outputs = { self, nixpkgs }: {
    devShells.x86_64-linux.default =
      nixpkgs.legacyPackages.x86_64-linux.mkShell { RUST_LOG = "info"; };
  };
}
