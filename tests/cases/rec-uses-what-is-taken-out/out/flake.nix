{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default =
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        (
        # <<< sccfg <<<
        pkgs.mkShell rec {
        packages = [ pkgs.cargo ];
        SCCACHE_DIR = "/tmp/cache";
        LOGS = "${SCCACHE_DIR}/logs";
      }
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        ).overrideAttrs (old: {
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
