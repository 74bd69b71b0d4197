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
        RUSTC_WRAPPER = "sccache";
        SCCACHE_CACHE_SIZE = "24G"; # large enough for CozoDB
        CARGO_INCREMENTAL = "1";
        RUST_LOG = "debug";
        shellHook = ''
          # sccache keeps the settings it was started with
          sccache --stop-server || true
          echo ready
        '';
      };
    };
}
