{
  description = "A Rust project";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
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
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          default = pkgs.mkShell {
            packages = [
              pkgs.cargo
              pkgs.clippy
              pkgs.rust-analyzer
              pkgs.rustc
              pkgs.rustfmt
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
        }
      );
    };
}
