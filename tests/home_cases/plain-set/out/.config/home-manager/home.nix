{
  # >>> sccfg home >>> put here by `sccfg home`
  # sccfg:inline " "
  imports = [ ./sccache.nix ];
  # <<< sccfg home <<<
  home.stateVersion = "24.11"; }
