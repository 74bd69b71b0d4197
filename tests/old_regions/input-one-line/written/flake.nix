{ inputs = { nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  sccfg = {
    url = "github:owner/sccfg";
    inputs.nixpkgs.follows = "nixpkgs";
  };
  # <<< sccfg <<<
}; outputs = {
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  sccfg,
  # <<< sccfg <<<
  nixpkgs, self }: { devShells.x86_64-linux.default = nixpkgs.legacyPackages.x86_64-linux.mkShell { RUST_LOG = "info";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  RUSTC_WRAPPER = "${nixpkgs.legacyPackages.x86_64-linux.sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    PATH=${sccfg.packages.${nixpkgs.legacyPackages.x86_64-linux.stdenv.hostPlatform.system}.default}/bin:$PATH
    ${sccfg.lib.shellHook { size = "24GiB"; }}
  '';
  # <<< sccfg <<<
}; }; }
