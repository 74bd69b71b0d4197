{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.mkShell {
        packages = [ pkgs.cargo pkgs.sccache ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:was RUSTC_WRAPPER = "sccache";
        # sccfg:was SCCACHE_CACHE_SIZE = "24G"; # large enough for CozoDB
        # sccfg:was CARGO_INCREMENTAL = "1";
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
        RUST_LOG = "debug";
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          <the hook>
          # <<< sccfg <<<
          # sccache keeps the settings it was started with
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was sccache --stop-server || true
          # <<< sccfg <<<
          echo ready
        '';
      };
    };
}
