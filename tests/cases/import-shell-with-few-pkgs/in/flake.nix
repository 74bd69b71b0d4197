{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells.x86_64-linux.default = import ./shell.nix {
      pkgs = { inherit (nixpkgs.legacyPackages.x86_64-linux) mkShell rustc; };
    };
  };
}
