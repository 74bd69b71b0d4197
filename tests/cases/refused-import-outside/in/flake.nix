{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { ... }: {
    devShells.x86_64-linux.default = import ../elsewhere/shell.nix { };
  };
}
