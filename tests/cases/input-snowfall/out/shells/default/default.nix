{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  sccache,
  # <<< sccfg <<<
  mkShell, cargo, inputs, ... }:
mkShell {
  packages = [ cargo ];
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  RUSTC_WRAPPER = "${sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    PATH=${inputs.sccfg.packages.${sccache.system}.default}/bin:$PATH
    ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
  '';
  # <<< sccfg <<<
}
