{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = if pkgs.stdenv.isLinux then
        pkgs.mkShell {
          packages = [ pkgs.cargo ];
        }
      else
        pkgs.mkShell {
          packages = [ pkgs.cargo pkgs.libiconv ];
        };
    };
}
