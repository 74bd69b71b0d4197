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
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was export RUSTC_WRAPPER=sccache
          # sccfg:was export SCCACHE_CACHE_SIZE="24G"
          # sccfg:was export CARGO_INCREMENTAL=1
          # sccfg:was sccache --stop-server >/dev/null 2>&1 || true
          <the hook>
          # <<< sccfg <<<
          echo ready
        '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
