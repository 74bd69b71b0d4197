{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
      mk = names: map (n: lib.nameValuePair n (pkgs.mkShell { })) (lib.splitString " " names);
    in
    {
      devShells.x86_64-linux = builtins.listToAttrs (mk "default") // builtins.listToAttrs (mk "ci");
    };
}
