{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook = pkgs.lib.concatStringsSep "\n" [
          ''
            export RUSTC_WRAPPER=/opt/other
            echo mine
          ''
          "export CARGO_INCREMENTAL=1"
        ];
      };
    };
}
