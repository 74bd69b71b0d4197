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
          export RUSTC_WRAPPER=sccache
          export SCCACHE_CACHE_SIZE="24G"
          export CARGO_INCREMENTAL=1
          sccache --stop-server >/dev/null 2>&1 || true
          echo ready
        '';
      };
    };
}
