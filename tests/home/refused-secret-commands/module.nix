{
  programs.sccache = {
    enable = true;
    service.enable = true;
    secretCommands.gcs = "pass show sccache";
  };
}
