{
  programs.sccache = {
    enable = true;
    settings.cache.s3.bucket = "mine";
    remote.s3.bucket = "ours";
  };
}
