{
  programs.sccache = {
    enable = true;
    store.dir = "%h/store";
  };
}
