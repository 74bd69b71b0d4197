
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline ""
{ imports = [ (
# <<< sccfg <<<
{ pkgs, lib, ... }:

lib.mkIf pkgs.stdenv.hostPlatform.isDarwin {
  packages = [ pkgs.cargo ];
}
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline "\n"
) ({ pkgs, lib, ... }: {
  env.RUSTC_WRAPPER = lib.mkForce "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = lib.mkForce "0";
  enterShell = lib.mkBefore ''
    <the hook>
  '';
}) ]; }
# <<< sccfg <<<
