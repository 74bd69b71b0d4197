{ pkgs, lib, config, ... }:
{
  languages.rust.enable = true;
  env = lib.mkMerge [
    { A = "1"; }
    (lib.mkIf config.languages.rust.enable { B = "2"; })
  ];
  enterShell = lib.mkMerge [
    "echo one"
    (lib.mkIf false "echo two")
  ];
}
