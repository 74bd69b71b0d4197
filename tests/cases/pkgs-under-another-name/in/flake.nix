{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      packages = import nixpkgs { system = "x86_64-linux"; };
    in
    {
      devShells.x86_64-linux.default = packages.mkShell {
        buildInputs = [ packages.cargo ];
      };
    };
}
