{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.company.url = "github:example/dev-shells";

  outputs = { nixpkgs, company, ... }: {
    inherit (company) devShells;
    lib.pkgs = nixpkgs.lib;
  };
}
