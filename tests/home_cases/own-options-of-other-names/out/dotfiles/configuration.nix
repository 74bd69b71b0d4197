{
  home-manager.users.me = {
    # >>> sccfg home >>> put here by `sccfg home`
    imports = [ ./sccache.nix ];
    # <<< sccfg home <<<
    home-manager.editor.enable = true;
    home.stateVersion = "26.05";
  };
}
