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
        env = {
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was SCCACHE_CACHE_SIZE = "24G";
          # sccfg:was SCCACHE_DIR = "/tmp/sccache";
          # sccfg:was CARGO_INCREMENTAL = "1";
          CARGO_INCREMENTAL = "0";
          # <<< sccfg <<<
          RUST_LOG = "debug";
        };
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
