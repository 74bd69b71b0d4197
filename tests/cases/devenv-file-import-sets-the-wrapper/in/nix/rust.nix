{ pkgs, ... }:
{
  packages = [ pkgs.cargo ];
  env.RUSTC_WRAPPER = "sccache";
}
