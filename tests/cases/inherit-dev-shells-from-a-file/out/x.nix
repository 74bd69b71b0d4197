{ nixpkgs }:
let
  pkgs = nixpkgs.legacyPackages.x86_64-linux;
in
{
  devShells.x86_64-linux.default = pkgs.mkShell {
    A = "1";
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
    CARGO_INCREMENTAL = "0";
    shellHook = ''
      <the hook>
    '';
    # <<< sccfg <<<
  };
}
