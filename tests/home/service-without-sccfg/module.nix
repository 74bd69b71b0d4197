{
  programs.sccache = {
    enable = true;
    service.enable = true;
  };
}
