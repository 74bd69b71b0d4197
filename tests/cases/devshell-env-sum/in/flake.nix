{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    devshell.url = "github:numtide/devshell";
  };
  outputs = { nixpkgs, devshell, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      common = [ { name = "A"; value = "1"; } ];
    in
    {
      devShells.${system}.default = devshell.legacyPackages.${system}.mkShell {
        env = common ++ [
          { name = "B"; value = "2"; }
        ];
      };
    };
}
