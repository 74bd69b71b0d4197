{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.nci.url = "github:yusdacra/nix-cargo-integration";

  outputs = inputs:
    let
      withSccache = set: set;
      outputs = inputs.nci.lib.makeOutputs { root = ./.; };
    in
    withSccache (outputs // { lib.answer = 42; });
}
