{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = inputs:
    let
      system = "x86_64-linux";
      inherit (inputs.nixpkgs) lib;
      unstable = inputs.nixpkgs.legacyPackages.${system};
      inherit (unstable) mkShell rustc;
    in
    {
      devShells.${system} = {
        default = mkShell { packages = lib.optionals true [ rustc ]; };
      };
    };
}
