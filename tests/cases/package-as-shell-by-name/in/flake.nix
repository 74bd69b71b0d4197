{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      tool = pkgs.rustPlatform.buildRustPackage {
        pname = "tool";
        version = "0.1.0";
        src = ./.;
        cargoHash = "";
      };
    in
    {
      packages.x86_64-linux.default = tool;
      devShells.x86_64-linux.default = tool;
    };
}
