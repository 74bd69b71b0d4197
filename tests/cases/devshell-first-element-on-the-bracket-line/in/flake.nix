{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.devshell.url = "github:numtide/devshell";

  outputs =
    { nixpkgs, devshell, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system}.extend devshell.overlays.default;
    in
    {
      devShells.${system}.default = pkgs.devshell.mkShell {
        env = [ { name = "RUSTC_WRAPPER"; value = "x"; } { name = "A"; value = "1"; } ];
      };
    };
}
