{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.mkShell {
        A = "1";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          export CARGO_INCREMENTAL=0
        '';
      };
    };
}
