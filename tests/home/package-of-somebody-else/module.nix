# sccache comes from elsewhere, and is found on the search path.
{
  programs.sccache = {
    enable = true;
    package = null;
    cargo.enable = true;
  };
}
