# Made by `sccfg home`; yours to edit. As it was made: b8868ae8
{ lib, pkgs, ... }:
let
  inherit (pkgs.stdenv.hostPlatform) isDarwin;

  # sccache's config file, for a cache of 24GiB. Everybody can read what is in the Nix store:
  # keep passwords out of it.
  text = ''
    [cache.disk]
    size = 25769803776
    dir = "/tmp/sccache cache"
  '';
in
{
  home.packages = [ pkgs.sccache ];

  xdg.configFile."sccache/config" = lib.mkIf (!isDarwin) { inherit text; };
  home.file."Library/Application Support/Mozilla.sccache/config" = lib.mkIf isDarwin {
    inherit text;
  };

  # cargo outside of dev shells, too.
  home.sessionVariables = {
    RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
    CARGO_INCREMENTAL = "0";
  };
}
