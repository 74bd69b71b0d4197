{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux = rec {
        default = pkgs.mkShell {
          A = "1";
        };
        e2e = pkgs.mkShell {
          inputsFrom = [ default ];
        };
      };
    };
}
