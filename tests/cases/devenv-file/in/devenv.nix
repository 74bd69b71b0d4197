{ pkgs, lib, config, inputs, ... }:

{
  # https://devenv.sh/basics/
  env.GREET = "devenv";

  # https://devenv.sh/packages/
  packages = [ pkgs.git ];

  languages.rust.enable = true;

  enterShell = ''
    echo "hello from $GREET"
  '';

  # See full reference at https://devenv.sh/reference/options/
}
