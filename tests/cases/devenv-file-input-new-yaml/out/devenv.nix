
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline ""
{ imports = [ (
# <<< sccfg <<<
{
  languages.rust.enable = true;
}
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
# sccfg:inline "\n"
) ({ pkgs, lib, inputs, ... }: {
  env.RUSTC_WRAPPER = lib.mkForce "${pkgs.sccache}/bin/sccache";
  env.CARGO_INCREMENTAL = lib.mkForce "0";
  enterShell = lib.mkBefore ''
    PATH=${inputs.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
    ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
  '';
}) ]; }
# <<< sccfg <<<
