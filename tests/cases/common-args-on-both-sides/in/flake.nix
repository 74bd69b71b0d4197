{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      inherit (pkgs) lib;
      commonArgs = { COMMON = "1"; };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell (
        commonArgs
        // {
          OWN = "2";
        }
        // lib.optionalAttrs pkgs.stdenv.isLinux {
          LINUX = "3";
        }
      );
    };
}
