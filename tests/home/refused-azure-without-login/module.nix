{
  programs.sccache = {
    enable = true;
    remote.azure.container = "sccache";
  };
}
