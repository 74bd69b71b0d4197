{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    company.url = "github:example/dev-shells";
  };
  outputs = { nixpkgs, company, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = company.devShells.${system}.rust;
    };
}
