{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
    in
    {
      devShells.x86_64-linux =
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        (shells: shells // (
          let withSccache = shell: shell.overrideAttrs (old: {
            RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
            CARGO_INCREMENTAL = "0";
            shellHook = ''
              <the hook>
            '' + (old.shellHook or "");
          } // (if old ? env then {
            env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
          } else { }));
          in {
            dev-shell = withSccache shells.dev-shell;
          })) (
        # <<< sccfg <<<
        lib.mapAttrs' (name: packages:
        lib.nameValuePair "${name}-shell" (pkgs.mkShell { inherit packages; })
      ) { dev = [ pkgs.cargo ]; }
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        )
        # <<< sccfg <<<
      ;
    };
}
