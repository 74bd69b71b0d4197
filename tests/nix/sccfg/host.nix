# Where the program is; the tests' harness writes its own file over a copy of this one.
{
  sccfg = "/usr/local/bin/sccfg";
}
