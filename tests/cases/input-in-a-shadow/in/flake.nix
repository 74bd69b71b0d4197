{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs, ... }@all:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      sccfg = "mine";
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        MINE = sccfg;
      };
    };
}
