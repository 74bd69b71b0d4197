{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flake-parts.url = "github:hercules-ci/flake-parts";

  outputs = inputs:
    inputs.flake-parts.lib.mkFlake { inherit inputs; } {
      config.systems = [ "x86_64-linux" ];
      config.perSystem = { pkgs, ... }: {
        config.devShells.default = pkgs.mkShell {
          packages = [ pkgs.cargo ];
        };
      };
    };
}
