{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      inherit (pkgs) lib;
      scripts = ./scripts;
    in
    {
      devShells.${system}.default = pkgs.mkShell {
        shellHook = ''
          ${builtins.readFile ./hook.sh}
          ${lib.fileContents (./. + "/scripts/more.sh")}
          ${lib.readFile ./scripts/missing.sh}
          ${lib.readFile (scripts + "/${system}.sh")}
        '';
      };
    };
}
