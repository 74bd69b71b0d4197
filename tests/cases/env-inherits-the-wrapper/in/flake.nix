{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      RUSTC_WRAPPER = "sccache";
      RUST_LOG = "debug";
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        env = {
          inherit RUSTC_WRAPPER RUST_LOG;
        };
      };
    };
}
