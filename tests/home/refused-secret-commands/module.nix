{
  programs.sccache = {
    enable = true;
    service.enable = true;
    secretCommands.s3 = "pass show sccache";
  };
}
