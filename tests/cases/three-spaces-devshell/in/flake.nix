{
   inputs = {
      nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
      devshell.url = "github:numtide/devshell";
   };
   outputs = { nixpkgs, devshell, ... }:
      let
         system = "x86_64-linux";
         pkgs = nixpkgs.legacyPackages.${system};
      in
      {
         devShells.${system}.default = devshell.legacyPackages.${system}.mkShell {
            name = "tool";
            devshell.startup.mine.text = "export A=1";
         };
      };
}
