{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      greeting = ''
        export GREETED=1
      '';
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook =
          greeting
          + ''
            echo mine
          '';
      };
    };
}
