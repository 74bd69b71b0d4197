{% if module %}
{
  programs.sccache = {
    enable = true;
{% if size %}
    cache.size = "{{ size }}";
{% endif %}
{% if dir %}
    cache.dir = {{ dir }};
{% endif %}
{% if toml %}
    # sccache's own names and values.
    settings = fromTOML ''
{{ toml }}    '';
{% endif %}
{% if incremental %}
    # cargo outside of dev shells, too.
    cargo.enable = true;
    incremental = "{{ incremental }}";
{% endif %}
  };
}
{% else %}
{ lib, pkgs, ... }:
let
  inherit (pkgs.stdenv.hostPlatform) isDarwin;

  # sccache's config file{% if size %}, for a cache of {{ size }}{% endif %}. Everybody can read what is in the Nix store:
  # keep passwords out of it.
  text = ''
{{ toml }}  '';
in
{
  home.packages = [ pkgs.sccache ];

  xdg.configFile."sccache/config" = lib.mkIf (!isDarwin) { inherit text; };
  home.file."Library/Application Support/Mozilla.sccache/config" = lib.mkIf isDarwin {
    inherit text;
  };
{% if incremental %}

  # cargo outside of dev shells, too.
  home.sessionVariables = {
    RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
{% if incremental == "off" %}
    CARGO_INCREMENTAL = "0";
{% endif %}
  };
{% endif %}
}
{% endif %}
