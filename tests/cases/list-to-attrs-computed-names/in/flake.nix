{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
    in
    {
      devShells.x86_64-linux = { docs = pkgs.mkShell { }; } // builtins.listToAttrs (map (n: {
        name = n;
        value = pkgs.mkShell { packages = [ pkgs.cargo ]; };
      }) (lib.splitString " " "default ci"));
    };
}
