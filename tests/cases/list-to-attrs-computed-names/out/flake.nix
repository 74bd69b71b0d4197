{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
    in
    {
      devShells.x86_64-linux = { docs = pkgs.mkShell { }; } //
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
        builtins.listToAttrs (map (n: {
        name = n;
        value = pkgs.mkShell { packages = [ pkgs.cargo ]; };
      }) (lib.splitString " " "default ci"))
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        )
        # <<< sccfg <<<
      ;
    };
}
