{
  # >>> sccfg home >>> put here by `sccfg home`
  imports = [ ./sccache.nix ];
  # <<< sccfg home <<<
  home.stateVersion = "24.11";
}
