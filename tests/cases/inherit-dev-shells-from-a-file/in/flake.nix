{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    {
      inherit (import ./x.nix { inherit nixpkgs; }) devShells;
    };
}
