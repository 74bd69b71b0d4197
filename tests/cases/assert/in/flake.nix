{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = assert pkgs.lib.versionAtLeast "2" "1";
      pkgs.mkShell {
        packages = [ pkgs.cargo ];
      };
    };
}
