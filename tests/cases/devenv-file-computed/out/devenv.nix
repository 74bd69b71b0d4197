
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline ""
{ imports = [ (
# <<< sccfg <<<
{ pkgs, lib, config, ... }:
{
  languages.rust.enable = true;
  env = lib.mkMerge [
    { A = "1"; }
    (lib.mkIf config.languages.rust.enable { B = "2"; })
  ];
  enterShell = lib.mkMerge [
    "echo one"
    (lib.mkIf false "echo two")
  ];
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
