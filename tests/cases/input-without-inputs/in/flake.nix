{
  description = "no inputs";

  outputs = { self, nixpkgs, ... }@inputs: {
    devShells.x86_64-linux.default =
      inputs.nixpkgs.legacyPackages.x86_64-linux.mkShell { RUST_LOG = "info"; };
  };
}
