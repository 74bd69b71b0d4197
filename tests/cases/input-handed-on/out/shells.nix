{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  sccfg,
  # <<< sccfg <<<
  self,
  nixpkgs
}:
let
  pkgs = nixpkgs.legacyPackages.x86_64-linux;
in
{
  x86_64-linux.default = pkgs.mkShell { packages = [ pkgs.cargo ];
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline " "
    RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
    CARGO_INCREMENTAL = "0";
    shellHook = ''
      PATH=${sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
      ${sccfg.lib.shellHook { size = "24GiB"; }}
    '';
    # <<< sccfg <<<
  };
}
