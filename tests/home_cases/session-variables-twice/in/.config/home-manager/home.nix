{ pkgs, ... }:
{
  home.packages = [ pkgs.rustup ];

  home.sessionVariables.RUSTC_WRAPPER = "sccache";
  home.sessionVariables.CARGO_INCREMENTAL = "0";
}
