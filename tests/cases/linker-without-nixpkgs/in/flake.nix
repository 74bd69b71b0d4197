{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      callPackage = nixpkgs.lib.callPackageWith { inherit (pkgs) mkShell cargo sccache; };
    in
    {
      devShells.${system}.default = callPackage ./shell.nix { };
    };
}
