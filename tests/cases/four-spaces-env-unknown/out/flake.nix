{
    inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    outputs = { nixpkgs, ... }:
        let
            pkgs = nixpkgs.legacyPackages.x86_64-linux;
        in
        {
            devShells.x86_64-linux.default = pkgs.mkShell {
                env = builtins.mapAttrs (_: toString) { A = 1; }
                    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
                    # sccfg:inline ""
                    // {
                        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
                        CARGO_INCREMENTAL = "0";
                    }
                    # <<< sccfg <<<
                    ;
                shellHook = ''
                    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
                    <the hook>
                    # <<< sccfg <<<
                    if true; then
                        echo mine
                    fi
                '';
            };
        };
}
