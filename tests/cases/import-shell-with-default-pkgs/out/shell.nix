{
  pkgs ? import <nixpkgs> { },
  extra ? [ ],
}:

with pkgs;

mkShell {
  packages = [ cargo ] ++ extra;
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
  CARGO_INCREMENTAL = "0";
  shellHook = ''
    <the hook>
  '';
  # <<< sccfg <<<
}
