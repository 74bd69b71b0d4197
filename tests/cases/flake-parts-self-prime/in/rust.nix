{ lib, ... }:
{
  perSystem = { pkgs, ... }: {
    devShells = lib.mapAttrs (_: pkgs.mkShell) { rust.MINE = "kept"; };
  };
}
