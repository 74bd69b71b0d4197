{
  outputs = { nixpkgs, naersk, ... }: let
    pkgs = nixpkgs.legacyPackages.x86_64-linux;
    build = naersk.lib.x86_64-linux.buildPackage { src = ./.; };
  in {
    devShells.x86_64-linux = {
      default = build.overrideAttrs (old: { nativeBuildInputs = [ pkgs.cargo ]; });
      chosen = if pkgs.stdenv.isLinux then pkgs.mkShell { A = 1; } else build.devShell or build;
      listed = (builtins.head [ build pkgs.hello ]);
    };
    devShell.x86_64-linux = build;
  };
}
