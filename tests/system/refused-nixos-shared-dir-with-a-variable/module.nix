{
  programs.sccache = {
    enable = true;
    sharedCache.enable = true;
    sharedCache.dir = "$HOME/sccache";
  };
}
