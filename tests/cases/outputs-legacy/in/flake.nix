{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.company.url = "github:example/dev-shells";

  outputs = { self, company, ... }: company.lib.mkFlake { src = ./.; };
}
