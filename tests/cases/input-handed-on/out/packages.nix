{
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  # sccfg:inline " "
  sccfg,
  # <<< sccfg <<<
  self, nixpkgs }:
{
  x86_64-linux.default = nixpkgs.legacyPackages.x86_64-linux.hello;
}
