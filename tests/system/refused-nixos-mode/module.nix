{
  programs.sccache = {
    enable = true;
    sharedCache.enable = true;
    sharedCache.mode = "rwx";
  };
}
