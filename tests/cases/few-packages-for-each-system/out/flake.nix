{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      forAll = f: nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-darwin" ] (system:
        let p = nixpkgs.legacyPackages.${system};
        in f { inherit system; inherit (p) mkShell rustc lib; });
    in {
      devShells =
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        builtins.mapAttrs (system: shells:
          let withSccache = shell: shell.overrideAttrs (old: {
            RUSTC_WRAPPER = "${nixpkgs.legacyPackages.${system}.sccache}/bin/sccache";
            CARGO_INCREMENTAL = "0";
            shellHook = ''
              <the hook>
            '' + (old.shellHook or "");
          } // (if old ? env then {
            env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
          } else { }));
          in shells // {
            default = withSccache shells.default;
          }
        ) (
        # <<< sccfg <<<
        forAll (ctx: {
        default = ctx.mkShell { packages = [ ctx.rustc ]; };
      })
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        )
        # <<< sccfg <<<
      ;
    };
}
