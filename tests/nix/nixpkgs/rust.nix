# Rust as nixpkgs and its overlays give it: one toolchain, the host's, under all names.
{ lib, pkgs, package }:
rec {
  toolchain = lib.makeOverridable (
    { name ? "rust", extensions ? [ ], targets ? [ ], components ? [ ], ... }:
    package {
      name = name;
      programs = [ "cargo" "cargo-clippy" "cargo-fmt" "clippy-driver" "rust-analyzer" "rustc" "rustdoc" "rustfmt" ];
      attrs.passthru = { inherit extensions targets components; };
    }
  );

  # A channel of rust-overlay: latest, versions and dates, each with profiles.
  profiles = name: rec {
    default = toolchain { inherit name; };
    minimal = toolchain { name = "${name}-minimal"; };
    complete = toolchain { name = "${name}-complete"; };
    rust = default;
    cargo = default;
    rustc = default;
    rustfmt = default;
    clippy = default;
    rust-analyzer = default;
    rust-src = default;
    rust-std = default;
  };
  versions = [ "1.70.0" "1.75.0" "1.80.0" "1.80.1" "1.82.0" "1.83.0" "1.84.0" "1.85.0" "1.86.0" "1.87.0" "1.88.0" "1.89.0" "1.90.0" ];
  dates = [ "2024-01-01" "2024-06-01" "2025-01-01" "2025-06-01" ];
  channel = name: lib.genAttrs (versions ++ dates) (_: profiles name) // { latest = profiles name; };
  rust-bin = {
    stable = channel "rust-stable";
    beta = channel "rust-beta";
    nightly = channel "rust-nightly";
    selectLatestNightlyWith = select: select (profiles "rust-nightly");
    fromRustupToolchainFile = file: assert builtins.pathExists file; toolchain { name = "rust-from-file"; };
    fromRustupToolchain = toolchain_: toolchain { name = "rust-${toolchain_.channel or "stable"}"; };
  };

  # Compiles nothing: installs the program that the tests' own cargo has built, if it is one of
  # theirs, and then does what the package wants done after installing.
  buildRustPackage =
    attrs:
    pkgs.stdenv.mkDerivation (
      final:
      let
        given = if builtins.isFunction attrs then attrs final else attrs;
      in
      given
      // {
        nativeBuildInputs = lib.flatten (given.nativeBuildInputs or [ ]) ++ [ pkgs.rustc pkgs.cargo ];
        buildCommand = builtins.readFile ./install.sh;
        hostBuilt = (import ./host.nix).built;
      }
    );
  rustPlatform = {
    inherit buildRustPackage;
    rustLibSrc = "${pkgs.rustc}/lib/rustlib/src/rust/library";
    rustcSrc = pkgs.rustc;
    rust = { inherit (pkgs) cargo rustc; };
    cargoSetupHook = package { name = "cargo-setup-hook"; };
    cargoBuildHook = package { name = "cargo-build-hook"; };
    cargoCheckHook = package { name = "cargo-check-hook"; };
    maturinBuildHook = package { name = "maturin-build-hook"; };
    bindgenHook = package {
      name = "rust-bindgen-hook";
      attrs.setupHook = "export LIBCLANG_PATH=${pkgs.libclang}/lib";
    };
    fetchCargoVendor = _: package { name = "cargo-vendor"; };
    importCargoLock = _: package { name = "cargo-vendor"; };
  };
}
