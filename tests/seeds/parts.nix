{
  outputs = inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      systems = [ "x86_64-linux" ];
      perSystem = { config, self', pkgs, lib, ... }: {
        devShells.default = pkgs.mkShell {
          inputsFrom = [ self'.packages.default ];
          shellHook = lib.optionalString pkgs.stdenv.isLinux ''
            export SCCACHE_DIR=$PWD/.cache
          '' + config.pre-commit.installationScript;
        };
      };
    };
}
