{
  # >>> sccfg home >>> put here by `sccfg home`
  imports = [ ./sccache.nix ];
  # <<< sccfg home <<<
  home = {
    username = "me";
    homeDirectory = "/home/me";
    stateVersion = "25.05";
  };
}
