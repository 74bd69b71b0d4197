{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells = builtins.listToAttrs (map (system: nixpkgs.lib.nameValuePair system {
      default = nixpkgs.legacyPackages.${system}.mkShell { };
    }) [ "x86_64-linux" "aarch64-linux" ]);
  };
}
