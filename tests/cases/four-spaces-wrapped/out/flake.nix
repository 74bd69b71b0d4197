{
    inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    outputs = { self, nixpkgs, ... }:
        let
            pkgs = nixpkgs.legacyPackages.x86_64-linux;
        in
        {
            packages.x86_64-linux.default = pkgs.stdenv.mkDerivation {
                name = "one";
                A = "1";
            };
            devShells.x86_64-linux.default =
                self.packages.x86_64-linux.default
                # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
                # sccfg:inline ""
                .overrideAttrs (old: {
                    RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
                    CARGO_INCREMENTAL = "0";
                    shellHook = ''
                        <the hook>
                    '' + (old.shellHook or "");
                } // (if old ? env then {
                    env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
                } else { }))
                # <<< sccfg <<<
            ;
        };
}
