{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
    in
    {
      devShells.x86_64-linux = builtins.listToAttrs [
        {
          name = "default";
          value = pkgs.mkShell {
            packages = [ pkgs.cargo ];
          };
        }
        {
          name = "docs";
          value = pkgs.mkShell { packages = [ pkgs.mdbook ]; };
        }
      ];
    };
}
