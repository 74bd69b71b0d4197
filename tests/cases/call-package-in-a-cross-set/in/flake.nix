{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      pkgs = import nixpkgs {
        system = "x86_64-linux";
        crossSystem = "aarch64-linux";
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.callPackage (
        { mkShell, cargo, sccache }:
        mkShell {
          nativeBuildInputs = [ cargo sccache ];
        }
      ) { };
    };
}
