# Made by `sccfg home`; yours to edit. As it was made: cd873e3f
{ lib, pkgs, ... }:
let
  inherit (pkgs.stdenv.hostPlatform) isDarwin;

  # sccache's config file, for a cache of 50GiB. Everybody can read what is in the Nix store:
  # keep passwords out of it.
  text = ''
    # mine
    [cache.disk]
    size = 53687091200 # '''50''${x}
  '';
in
{
  home.packages = [ pkgs.sccache ];

  xdg.configFile."sccache/config" = lib.mkIf (!isDarwin) { inherit text; };
  home.file."Library/Application Support/Mozilla.sccache/config" = lib.mkIf isDarwin {
    inherit text;
  };
}
