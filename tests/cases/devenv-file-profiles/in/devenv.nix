{ pkgs, config, ... }:
{
  languages.rust.enable = true;
  profiles = {
    ci.module = { env.CI = "1"; };
    fast.module = { env.RUSTC_WRAPPER = ""; };
  };
}
