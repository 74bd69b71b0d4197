{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
    in
    {
      devShells.x86_64-linux = lib.mapAttrs' (name: packages:
        lib.nameValuePair "${name}-shell" (pkgs.mkShell { inherit packages; })
      ) { dev = [ pkgs.cargo ]; };
    };
}
