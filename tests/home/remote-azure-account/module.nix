{
  programs.sccache = {
    enable = true;
    remote.azure = {
      container = "sccache";
      storage_account = "team";
    };
  };
}
