{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      packages.${system} = {
        default = pkgs.stdenv.mkDerivation { name = "one"; A = "1"; };
        ci = pkgs.stdenv.mkDerivation { name = "two"; A = "2"; };
      };
      devShells.${system} = {
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:was inherit (self.packages.${system}) default ci;
        default = self.packages.${system}.default.overrideAttrs (old: {
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '' + (old.shellHook or "");
        } // (if old ? env then {
          env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
        } else { }));
        ci = self.packages.${system}.ci.overrideAttrs (old: {
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '' + (old.shellHook or "");
        } // (if old ? env then {
          env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
        } else { }));
        # <<< sccfg <<<
      };
    };
}
