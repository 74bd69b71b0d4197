# Made by `sccfg home`; yours to edit. As it was made: 0758b05a
{
  programs.sccache = {
    enable = true;
    cache.size = "24GiB";
    # cargo outside of dev shells, too.
    cargo.enable = true;
    incremental = "workspace";
  };
}
