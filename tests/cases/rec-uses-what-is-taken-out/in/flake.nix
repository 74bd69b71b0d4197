{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.mkShell rec {
        packages = [ pkgs.cargo ];
        SCCACHE_DIR = "/tmp/cache";
        LOGS = "${SCCACHE_DIR}/logs";
      };
    };
}
