{ programs.sccache.enable = true; }
