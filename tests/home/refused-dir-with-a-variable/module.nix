# Nobody expands it: it would be a directory of this name.
{
  programs.sccache = {
    enable = true;
    cache.dir = "$HOME/.cache/sccache";
  };
}
