{
  programs.sccache = {
    enable = true;
    remote.s3.region = "auto";
  };
}
