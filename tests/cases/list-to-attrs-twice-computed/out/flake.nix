{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
      mk = names: map (n: lib.nameValuePair n (pkgs.mkShell { })) (lib.splitString " " names);
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
            default = withSccache shells.default;
          })) (
        # <<< sccfg <<<
        builtins.listToAttrs (mk "default") // builtins.listToAttrs (mk "ci")
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        )
        # <<< sccfg <<<
      ;
    };
}
