{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells = nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system:
      let
        pkgs = nixpkgs.legacyPackages.${system};
        mk = name: value: { inherit name value; };
      in
      { docs = pkgs.mkShell { }; } // builtins.listToAttrs [
        (mk "default" (pkgs.mkShell { packages = [ pkgs.cargo ]; }))
      ]);
  };
}
