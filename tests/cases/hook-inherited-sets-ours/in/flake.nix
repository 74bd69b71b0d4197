{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      common = { shellHook = "export RUSTC_WRAPPER=/opt/other"; };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        inherit (common) shellHook;
      };
    };
}
