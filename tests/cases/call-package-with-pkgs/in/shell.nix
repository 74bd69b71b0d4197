{ pkgs, lib, ... }:
pkgs.mkShell {
  packages = lib.optionals true [ pkgs.cargo ];
}
