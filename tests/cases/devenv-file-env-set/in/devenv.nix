{ pkgs, config, ... }:
let
  greeting = "hi";
in
{
  packages = with pkgs; [ cargo sccache ];
  env = {
    RUSTC_WRAPPER = "sccache";
    GREETING = greeting;
  };
  enterShell = ''
    sccache --stop-server
    echo "$GREETING"
  '';
}
