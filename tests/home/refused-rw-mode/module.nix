{
  programs.sccache = {
    enable = true;
    remote.s3 = {
      bucket = "team";
      rw_mode = "read_only";
    };
  };
}
