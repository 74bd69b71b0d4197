{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flake-parts.url = "github:hercules-ci/flake-parts";

  outputs = inputs:
    inputs.flake-parts.lib.mkFlake { inherit inputs; } {
      systems = [ "x86_64-linux" "aarch64-linux" ];
      imports = [ ./rust.nix ];

      perSystem = {
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        pkgs,
        # <<< sccfg <<<
        self', ... }: {
        devShells.default = self'.devShells.rust
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
    };
}
