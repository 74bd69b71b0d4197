{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.std.url = "github:divnix/std";

  outputs = inputs: with inputs; std.growOn {
    inherit inputs;
    cellsFrom = ./nix;
  } { devShells = std.harvest self [ "repo" "shells" ]; };
}
