{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells = builtins.listToAttrs (map (system: nixpkgs.lib.nameValuePair system {
      default = nixpkgs.legacyPackages.${system}.mkShell {
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        RUSTC_WRAPPER = "${nixpkgs.legacyPackages.${system}.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    }) [ "x86_64-linux" "aarch64-linux" ]);
  };
}
