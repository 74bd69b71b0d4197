{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux = builtins.mapAttrs (name: packages: pkgs.mkShell {
        inherit packages;
        KIND = "shell";
      }) {
        default = [ pkgs.cargo ];
        ci = [ pkgs.rustc ];
      };
    };
}
