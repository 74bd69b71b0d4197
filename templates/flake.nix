{
  description = {{ description }};

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
{% if source == "rust-overlay" %}
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
{% elif source == "fenix" %}
    fenix = {
      url = "github:nix-community/fenix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
{% endif %}
  };

  outputs =
    { nixpkgs, {% if source != "nixpkgs" %}{{ source }}, {% endif %}... }:
    let
      forAllSystems = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin" # up to nixpkgs 26.05
        "aarch64-darwin"
      ];
    in
    {
      devShells = forAllSystems (
        system:
        let
{% if source == "rust-overlay" %}
          pkgs = import nixpkgs {
            inherit system;
            overlays = [ rust-overlay.overlays.default ];
          };
{% else %}
          pkgs = nixpkgs.legacyPackages.${system};
{% endif %}
{% if rust.kind == "latest-stable" %}
          toolchain = pkgs.rust-bin.stable.latest.default.override {
            extensions = [ "rust-src" ];
          };
{% elif rust.kind == "overlay-file" and rust.has_source %}
          toolchain = pkgs.rust-bin.fromRustupToolchainFile {{ rust.file }};
{% elif rust.kind == "overlay-file" %}
          requested = pkgs.rust-bin.fromRustupToolchainFile {{ rust.file }};
          toolchain = requested.override (previous: {
            extensions = previous.extensions ++ [ "rust-src" ];
          });
{% elif rust.kind == "fenix-channel" %}
          rust = fenix.packages.${system};
{% if rust.file %}
          # The toolchain of {{ rust.file }}, in the release that flake.lock pins: fenix reads
          # the file itself only with a hash, which changes with every release.
{% endif %}
{% if rust.targets %}
          toolchain = rust.combine [
            (rust.{{ rust.channel }}.withComponents [
{% for component in rust.components %}
              {{ component }}
{% endfor %}
            ])
{% for target in rust.targets %}
            rust.targets.{{ target }}.{{ rust.channel }}.rust-std
{% endfor %}
          ];
{% else %}
          toolchain = rust.{{ rust.channel }}.withComponents [
{% for component in rust.components %}
            {{ component }}
{% endfor %}
          ];
{% endif %}
{% elif rust.kind == "fenix-file" %}
          rust = fenix.packages.${system};
          # The hash of the manifest of this release. Nix reports the right one when the shell is
          # first entered; it changes with the channel in the file.
          sha256 = pkgs.lib.fakeSha256;
{% if rust.has_source %}
          toolchain = rust.fromToolchainFile {
            file = {{ rust.file }};
            inherit sha256;
          };
{% else %}
          toolchain = rust.combine [
            (rust.fromToolchainFile {
              file = {{ rust.file }};
              inherit sha256;
            })
            (rust.fromToolchainName {
              name = {{ rust.channel }};
              inherit sha256;
            }).rust-src
          ];
{% endif %}
{% endif %}
        in
        {
          default = pkgs.mkShell {
            packages = [
{% if source == "nixpkgs" %}
              pkgs.cargo
              pkgs.clippy
              pkgs.rust-analyzer
              pkgs.rustc
              pkgs.rustfmt
{% else %}
              toolchain
{% if not has_analyzer %}
              pkgs.rust-analyzer
{% endif %}
{% endif %}
            ];
{% for list in native.lists %}

            {{ list.name }} = {% if list.everywhere %}[
{% for package in list.everywhere %}
              pkgs.{{ package.name }} # {{ package.crates }}
{% endfor %}
            ]{% endif %}{% if list.everywhere and list.linux %}

            ++ {% endif %}{% if list.linux %}pkgs.lib.optionals pkgs.stdenv.hostPlatform.isLinux [
{% for package in list.linux %}
              pkgs.{{ package.name }} # {{ package.crates }}
{% endfor %}
            ]{% endif %};
{% endfor %}

            # Where rust-analyzer finds the standard library.
{% if source == "nixpkgs" %}
            RUST_SRC_PATH = "${pkgs.rustPlatform.rustLibSrc}";
{% else %}
            RUST_SRC_PATH = "${toolchain}/lib/rustlib/src/rust/library";
{% endif %}
{% if native.opened %}

            # Libraries that programs open at run time.
            LD_LIBRARY_PATH = pkgs.lib.makeLibraryPath (
              pkgs.lib.optionals pkgs.stdenv.hostPlatform.isLinux [
{% for package in native.opened %}
                pkgs.{{ package.name }} # {{ package.crates }}
{% endfor %}
              ]
            );
{% endif %}
{% for attribute in native.attributes %}

            {{ attribute.name }} = {{ attribute.value }}; # {{ attribute.crates }}
{% endfor %}
          };
        }
      );
    };
}
