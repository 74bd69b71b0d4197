
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline ""
{ imports = [ (
# <<< sccfg <<<
_:

{
  languages.rust.enable = true;
  enterShell = "echo entered";
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
