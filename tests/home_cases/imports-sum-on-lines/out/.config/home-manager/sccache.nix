# Made by `sccfg home`; yours to edit. As it was made: 2f55434d
{ lib, pkgs, ... }:
let
  inherit (pkgs.stdenv.hostPlatform) isDarwin;

  # sccache's config file, for a cache of 10GiB. Everybody can read what is in the Nix store:
  # keep passwords out of it.
  text = ''
    [cache.disk]
    size = 10737418240
  '';
in
{
  home.packages = [ pkgs.sccache ];

  xdg.configFile."sccache/config" = lib.mkIf (!isDarwin) { inherit text; };
  home.file."Library/Application Support/Mozilla.sccache/config" = lib.mkIf isDarwin {
    inherit text;
  };
}
