{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      makeShell = name: packages: pkgs.mkShell {
        inherit packages;
        NAME = name;
        shellHook = ''
          echo "in ${name}"
        '';
      };
    in
    {
      devShells.x86_64-linux.default = makeShell "dev" [ pkgs.cargo ];
    };
}
