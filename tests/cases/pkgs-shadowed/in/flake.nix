{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      nixpkgsFor = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default =
        let
          pkgs = [ "cargo" ];
        in
        nixpkgsFor.mkShell {
          FIRST = builtins.head pkgs;
        };
    };
}
