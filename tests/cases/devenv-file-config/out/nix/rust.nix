{ pkgs, ... }:
{
  languages.rust.enable = true;
  enterShell = "echo from rust.nix";
}
