{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      RUSTC_WRAPPER = "sccache";
      CARGO_INCREMENTAL = "1";
      RUST_LOG = "debug";
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        inherit RUSTC_WRAPPER RUST_LOG CARGO_INCREMENTAL;
      };
    };
}
