{
  programs.sccache = {
    enable = true;
    sharedCache = {
      enable = true;
      dir = "/srv/sccache";
      user = "runner";
      group = "users";
      mode = "0750";
    };
  };
}
