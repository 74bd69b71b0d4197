{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      tools = { inherit (pkgs) mkShell cargo; };
    in {
      devShells.${system}.default = tools.mkShell {
        packages = [ tools.cargo ];
      };
    };
}
