# What the tests know of the host; their harness writes its own file over a copy of this one.
{
  system = "x86_64-linux";
  # Builds and dev shells run in it.
  bash = "/bin/bash";
  # Where the tools are looked for, in order.
  path = "/usr/local/bin:/usr/bin:/bin";
  # Where the tests' own cargo puts the programs it builds.
  built = "/nowhere";
  # Changes whenever a directory of `path` does, so that no package is out of date.
  stamp = "";
}
