{
  enterShell = ''
    export CARGO_BUILD_INCREMENTAL=true
    echo entered
  '';
}
