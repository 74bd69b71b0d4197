{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs =
    { nixpkgs, ... }:
    let
      inherit (nixpkgs.legacyPackages.x86_64-linux) mkShell cargo;
    in
    {
      devShells.x86_64-linux.default = mkShell { packages = [ cargo ]; };
    };
}
