{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      shell = pkgs.mkShell {
        packages = [ pkgs.cargo ];
      };
    in
    {
      devShells.x86_64-linux.default = shell;
    };
}
