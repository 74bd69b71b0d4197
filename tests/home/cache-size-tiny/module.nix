# A unit was forgotten.
{
  programs.sccache = {
    enable = true;
    cache.size = 24;
  };
}
