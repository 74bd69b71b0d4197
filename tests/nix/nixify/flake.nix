# `lib.rust.mkFlake { src; … }`: a shell for each of its systems, by way of `withDevShells`.
{
  description = "A stub of rvolosatovs/nixify";

  outputs =
    { self }:
    let
      inherit (import ./nixpkgs/lib) genAttrs;
      mkFlake =
        {
          src ? null,
          systems ? [ "aarch64-darwin" "aarch64-linux" "x86_64-darwin" "x86_64-linux" ],
          withDevShells ? { devShells, ... }: devShells,
          ...
        }:
        {
          overlays = { };
          formatter = genAttrs systems (_: throw "nobody asked for the formatter");
          devShells = genAttrs systems (
            system:
            let
              pkgs = import ./nixpkgs { inherit system; };
            in
            withDevShells {
              inherit pkgs;
              devShells.default = pkgs.mkShell { packages = [ pkgs.cargo pkgs.rustc ]; };
            }
          );
        };
    in
    {
      lib = {
        inherit mkFlake;
        rust = { inherit mkFlake; };
        eachSystem = throw "flake-utils' own";
        extendDerivations = attrs: builtins.mapAttrs (_: shell: shell.overrideAttrs (_: attrs));
      };
    };
}
