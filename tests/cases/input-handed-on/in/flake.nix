{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }@inputs: {
    packages = import ./packages.nix inputs;
    devShells = import ./shells.nix inputs;
  };
}
