{
  programs.sccache.enable = true;
  environment.sessionVariables.SCCACHE_REDIS = "redis://me:secret@host";
}
