{ pkgs, ... }:
{
  languages.rust.enable = true;
  env = {
    RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
    CARGO_INCREMENTAL = "1";
  };
}
