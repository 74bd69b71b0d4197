{
  description = "no inputs";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  inputs.sccfg.url = "github:owner/sccfg";
  inputs.sccfg.inputs.nixpkgs.follows = "nixpkgs";
  # <<< sccfg <<<

  outputs = { self, nixpkgs, ... }@inputs: {
    devShells.x86_64-linux.default =
      inputs.nixpkgs.legacyPackages.x86_64-linux.mkShell { RUST_LOG = "info";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        RUSTC_WRAPPER = "${inputs.nixpkgs.legacyPackages.x86_64-linux.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          PATH=${inputs.sccfg.packages.${inputs.nixpkgs.legacyPackages.x86_64-linux.stdenv.hostPlatform.system}.default}/bin:$PATH
          ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
        '';
        # <<< sccfg <<<
      };
  };
}
