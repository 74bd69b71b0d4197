{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      shells = {
        default = pkgs.mkShell {
          packages = [ pkgs.cargo ];
        };
      };
    in
    {
      devShells.x86_64-linux = {
        inherit (shells) default;
      };
    };
}
