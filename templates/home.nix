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
    # Keys of sccache's config file.
    settings = fromTOML ''
{{ toml }}    '';
{% endif %}
{% if incremental %}
    # Use sccache outside of dev shells as well.
    cargo.enable = true;
    incremental = "{{ incremental }}";
{% endif %}
  };
}
{% else %}
{ lib, pkgs, ... }:
let
  inherit (pkgs.stdenv.hostPlatform) isDarwin;

  # sccache's config file{% if size %}, with a cache of {{ size }}{% endif %}. The Nix store is world-readable: do not add
  # passwords.
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

  # Use sccache outside of dev shells as well.
  home.sessionVariables = {
    RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
{% if incremental == "off" %}
    CARGO_INCREMENTAL = "0";
{% endif %}
  };
{% endif %}
}
{% endif %}
