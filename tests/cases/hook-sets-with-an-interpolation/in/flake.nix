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
        shellHook = ''
          export RUSTC_WRAPPER=${pkgs.sccache}/bin/sccache
          export SCCACHE_DIR=${toString ./.}/.sccache
          unset CARGO_INCREMENTAL
          echo hello
        '';
      };
    };
}
