{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells = nixpkgs.lib.mapAttrs' (system: pkgs: nixpkgs.lib.nameValuePair system {
      default = pkgs.mkShell { packages = [ pkgs.cargo ]; };
    }) nixpkgs.legacyPackages;
  };
}
