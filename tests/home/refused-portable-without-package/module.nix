{
  programs.sccache = {
    enable = true;
    wrapper = "portable";
  };
}
