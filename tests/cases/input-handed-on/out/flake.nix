{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  inputs.sccfg.url = "github:owner/sccfg";
  inputs.sccfg.inputs.nixpkgs.follows = "nixpkgs";
  # <<< sccfg <<<

  outputs = {
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline " "
    sccfg,
    # <<< sccfg <<<
    self, nixpkgs }@inputs: {
    packages = import ./packages.nix inputs;
    devShells = import ./shells.nix inputs;
  };
}
