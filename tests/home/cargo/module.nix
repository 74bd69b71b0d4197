# Nobody manages cargo's config, so a variable says it.
{
  programs.sccache = {
    enable = true;
    cargo.enable = true;
    incremental = "off";
  };
}
