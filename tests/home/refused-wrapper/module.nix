{
  programs.sccache = {
    enable = true;
    wrapper = "rustc";
  };
}
