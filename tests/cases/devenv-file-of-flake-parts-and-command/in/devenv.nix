{ pkgs, ... }:
{
  languages.rust.enable = true;
  enterShell = "echo entered";
}
