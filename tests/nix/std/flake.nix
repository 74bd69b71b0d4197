# `growOn { inputs; cellsFrom; … } SOIL…` and `harvest self [ CELL BLOCK ]`.
{
  description = "A stub of divnix/std";

  outputs =
    { self }:
    let
      inherit (import ./nixpkgs/lib) genAttrs recursiveUpdate;
      systems = [ "x86_64-linux" "aarch64-linux" ];
      growOn =
        { inputs, cellsFrom, ... }:
        let
          grown = genAttrs systems (system: {
            repo.shells = import (cellsFrom + "/repo/shells.nix") {
              inherit inputs;
              std.lib.dev.mkShell = { name, variables }: import ./naked.nix {
                pkgs = import inputs.nixpkgs { inherit system; };
                inherit name variables;
              };
            };
          });
          on = all: all // { __functor = _: soil: on (recursiveUpdate (removeAttrs all [ "__functor" ]) soil); };
        in
        on grown;
    in
    {
      inherit growOn;
      harvest = flake: path: genAttrs systems (
        system: builtins.foldl' (set: name: set.${name}) flake.${system} path
      );
      blockTypes = genAttrs [ "devshells" "installables" "functions" ] (type: name: { inherit type name; });
    };
}
