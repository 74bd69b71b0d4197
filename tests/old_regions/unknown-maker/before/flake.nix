{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    company.url = "github:example/dev-shells";
  };
  outputs = { nixpkgs, company, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = company.lib.makeShell {
        inherit pkgs;
        tools = [ "cargo" ];
      };
    };
}
