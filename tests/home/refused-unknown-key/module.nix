{
  programs.sccache = {
    enable = true;
    remote.s3 = {
      bucket = "team";
      prefix = "x";
    };
  };
}
