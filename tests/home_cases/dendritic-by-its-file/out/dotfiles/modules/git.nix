{
  flake.modules.homeManager.git = {
    # >>> sccfg home >>> put here by `sccfg home`
    imports = [ ./_sccache.nix ];
    # <<< sccfg home <<<
    programs.git.enable = true;
  };
}
