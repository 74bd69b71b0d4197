{
  programs.sccache = {
    enable = true;
    store = {
      enable = true;
      size = "10GiB";
      dir = "/home/me/.cache/builds";
    };
  };
}
