# Without settings there is no file.
{ programs.sccache.enable = true; }
