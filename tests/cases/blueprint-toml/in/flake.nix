{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.blueprint.url = "github:numtide/blueprint";
  inputs.devshell.url = "github:numtide/devshell";

  outputs = inputs: inputs.blueprint { inherit inputs; };
}
