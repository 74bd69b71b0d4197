{
  description = "Configure sccache for Rust projects in Nix dev shells";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      perSystem = systems: f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      eachSystem = perSystem [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin" # up to nixpkgs 26.05
        "aarch64-darwin"
      ];
      # Every Linux and macOS that nixpkgs has: shells with sccfg as an input need the package for their system.
      isSupported = system: lib.hasSuffix "-linux" system || lib.hasSuffix "-darwin" system;
    in
    {
      packages = perSystem (lib.filter isSupported lib.systems.flakeExposed) (pkgs: rec {
        sccfg = pkgs.callPackage ./package.nix { };
        default = sccfg;
      });

      overlays.default = final: _: { sccfg = final.callPackage ./package.nix { }; };

      lib = import ./modules/lib.nix { inherit lib; };

      flakeModules.default = ./modules/flake-parts.nix;
      flakeModule = self.flakeModules.default;
      devenvModules.default = ./modules/devenv.nix;
      devshellModules.default = ./modules/devshell.nix;
      homeModules.default = ./modules/home-manager.nix;
      # The former name of this output.
      homeManagerModules = self.homeModules;
      # A set, because `nix flake check` before Nix 2.9 does not accept a path.
      nixosModules.default.imports = [ ./modules/nixos.nix ];
      darwinModules.default = ./modules/nix-darwin.nix;

      templates.default = {
        path = ./templates/flake;
        description = "A dev shell for Rust with sccache";
        welcomeText = ''
          `nix develop` enters a shell that builds with sccache. Its settings are in `sccfg.toml`; run
          `sccfg apply` after a change.
        '';
      };

      devShells = eachSystem (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.cargo
            pkgs.clippy
            pkgs.rust-analyzer
            pkgs.rustc
            pkgs.rustfmt
            # Used by the tests.
            pkgs.dash
            pkgs.direnv
            pkgs.fish
            pkgs.nushell
            pkgs.shellcheck
            pkgs.zsh
          ];

          # Where rust-analyzer finds the standard library.
          RUST_SRC_PATH = "${pkgs.rustPlatform.rustLibSrc}";
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            if command -v sccfg >/dev/null && _sccfg=$(sccfg hook bash); then eval "$_sccfg"; else
              [ -x "$(command -v "''${RUSTC_WRAPPER:-sh}")" ] || unset RUSTC_WRAPPER # or cargo fails
              if [ -f "''${SCCACHE_CONF-''${XDG_CONFIG_HOME:-''${HOME-}/.config}/sccache/config}" ] # the machine decides
              then unset SCCACHE_DIR SCCACHE_CACHE_SIZE; fi
            fi; unset _sccfg
          '';
          # <<< sccfg <<<
        };
      });

      checks = eachSystem (pkgs: {
        package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;

        hook = pkgs.runCommand "sccfg-hook" { nativeBuildInputs = [ pkgs.shellcheck ]; } (
          lib.concatMapStrings (
            incremental:
            let
              hook = self.lib.shellHook {
                inherit incremental;
                size = "24GiB";
              };
            in
            "shellcheck --shell=sh ${pkgs.writeText "hook.sh" hook}\n"
          ) [ "off" "workspace" "auto" ]
          + "touch $out\n"
        );

        options-doc = pkgs.runCommand "sccfg-options-doc" { } ''
          diff -u ${./docs/options.md} ${pkgs.writeText "options.md" (import ./docs/options.nix { inherit lib; })}
          touch $out
        '';
      });

      # Not the whole tree: files in tests/cases must not be formatted.
      formatter = eachSystem (
        pkgs:
        pkgs.writeShellApplication {
          name = "sccfg-fmt";
          runtimeInputs = [
            pkgs.cargo
            pkgs.nixfmt
            pkgs.rustfmt
          ];
          text = ''
            nixfmt flake.nix package.nix modules docs templates/flake
            cargo fmt
          '';
        }
      );
    };
}
