{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      common = ''
        export RUSTC_WRAPPER=${pkgs.lib.getExe pkgs.sccache}
        export CARGO_INCREMENTAL=0
        echo common
      '';
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook = common;
      };
    };
}
