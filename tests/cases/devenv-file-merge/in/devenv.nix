{ pkgs, lib, config, ... }:
{
  config = lib.mkMerge [
    (lib.mkIf config.languages.rust.enable { env.A = "1"; })
    {
      languages.rust.enable = true;
      enterShell = "echo merged";
    }
  ];
}
