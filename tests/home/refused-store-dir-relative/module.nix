{
  programs.sccache = {
    enable = true;
    store.dir = "store";
  };
}
