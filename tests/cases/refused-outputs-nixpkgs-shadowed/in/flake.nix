{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flakelight.url = "github:nix-community/flakelight";

  outputs = { flakelight, ... }:
    let
      nixpkgs = null;
    in
    flakelight ./. { inherit nixpkgs; };
}
