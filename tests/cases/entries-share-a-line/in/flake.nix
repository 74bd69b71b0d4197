{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.mkShell { A = "1"; SCCACHE_DIR = "/tmp/x";
        RUSTC_WRAPPER = "sccache";
        CARGO_INCREMENTAL = "1"; };
    };
}
