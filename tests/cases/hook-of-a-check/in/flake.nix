{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flake-utils.url = "github:numtide/flake-utils";
  outputs = { self, nixpkgs, flake-utils }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = nixpkgs.legacyPackages.${system};
      in
      {
        checks.pre-commit = pkgs.mkShell { shellHook = "export CHECKED=1"; };
        devShells.default = pkgs.mkShell {
          shellHook = ''
            ${self.checks.${system}.pre-commit.shellHook}
            echo "after the check"
          '';
        };
      });
}
