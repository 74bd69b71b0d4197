{
  outputs = { self, nixpkgs, ... }: let
    system = "x86_64-linux";
    pkgs = import nixpkgs { inherit system; };
    shells = import ./shells.nix { inherit pkgs; };
    default = self.packages.${system}.tool;
  in {
    devShells.${system} = { inherit default; inherit (shells) ci docs; };
    packages.${system}.tool = pkgs.callPackage ./tool.nix { };
  };
}
