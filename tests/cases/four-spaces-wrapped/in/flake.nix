{
    inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    outputs = { self, nixpkgs, ... }:
        let
            pkgs = nixpkgs.legacyPackages.x86_64-linux;
        in
        {
            packages.x86_64-linux.default = pkgs.stdenv.mkDerivation {
                name = "one";
                A = "1";
            };
            devShells.x86_64-linux.default =
                self.packages.x86_64-linux.default;
        };
}
