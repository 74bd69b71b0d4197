{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.blueprint.url = "github:numtide/blueprint";
  inputs.blueprint.inputs.nixpkgs.follows = "nixpkgs";

  outputs = inputs: inputs.blueprint { inherit inputs; };
}
