{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      inherit (nixpkgs) lib;
      forAllSystems = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ];
      perSystem = system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          packages.default = pkgs.hello;
          devShells.default = pkgs.mkShell {
            packages = [ pkgs.cargo ];
          };
        };
    in
    { lib.version = "1"; }
    // lib.genAttrs [ "packages" "devShells" ] (output: forAllSystems (system: (perSystem system).${output}));
}
