{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.blueprint.url = "github:numtide/blueprint";
  inputs.devshell.url = "github:numtide/devshell";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  inputs.sccfg.url = "github:example/sccfg";
  inputs.sccfg.inputs.nixpkgs.follows = "nixpkgs";
  # <<< sccfg <<<

  outputs = inputs: inputs.blueprint { inherit inputs; };
}
