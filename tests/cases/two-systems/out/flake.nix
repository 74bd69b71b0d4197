{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells.x86_64-linux.default = nixpkgs.legacyPackages.x86_64-linux.mkShell {
      packages = [ nixpkgs.legacyPackages.x86_64-linux.cargo ];
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      RUSTC_WRAPPER = "${nixpkgs.legacyPackages.x86_64-linux.sccache}/bin/sccache";
      CARGO_INCREMENTAL = "0";
      shellHook = ''
        <the hook>
      '';
      # <<< sccfg <<<
    };
    devShells.aarch64-linux.default = nixpkgs.legacyPackages.aarch64-linux.mkShell {
      packages = [ nixpkgs.legacyPackages.aarch64-linux.cargo ];
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      RUSTC_WRAPPER = "${nixpkgs.legacyPackages.aarch64-linux.sccache}/bin/sccache";
      CARGO_INCREMENTAL = "0";
      shellHook = ''
        <the hook>
      '';
      # <<< sccfg <<<
    };
  };
}
