{
  programs.sccache = {
    enable = true;
    package = null;
    service.enable = true;
  };
}
