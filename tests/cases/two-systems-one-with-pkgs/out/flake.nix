{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells.x86_64-linux.default =
      let pkgs = nixpkgs.legacyPackages.x86_64-linux; in
      pkgs.mkShell { packages = [ pkgs.cargo ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    devShells.aarch64-linux.default =
      let pkgs = nixpkgs.legacyPackages.aarch64-linux; in
      pkgs.mkShell { packages = [ pkgs.cargo ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
  };
}
