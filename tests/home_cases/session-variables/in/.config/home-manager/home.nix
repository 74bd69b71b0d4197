{ pkgs, ... }:
{
  home.packages = [ pkgs.rustup ];

  home.sessionVariables = {
    RUSTC_WRAPPER = "sccache";
    SCCACHE_CACHE_SIZE = "25G";
  };
}
