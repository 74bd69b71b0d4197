{
  outputs = { self, nixpkgs, devenv, ... } @ inputs: {
    devShells.x86_64-linux.default = devenv.lib.mkShell {
      inherit inputs;
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      modules = [
        ({ pkgs, ... }: {
          languages.rust.enable = true;
          env.FOO = "1";
          enterShell = "cargo --version";
        })
      ];
    };
  };
}
