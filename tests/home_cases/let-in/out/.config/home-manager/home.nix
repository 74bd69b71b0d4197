{ pkgs, lib, ... }:
let
  text = "hello";
in
with lib;
{
  # >>> sccfg home >>> put here by `sccfg home`
  imports = [ ./sccache.nix ];
  # <<< sccfg home <<<
  home.file."greeting".text = optionalString true text;
}
