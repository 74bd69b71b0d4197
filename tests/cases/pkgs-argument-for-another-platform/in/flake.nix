{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      host = nixpkgs.legacyPackages.x86_64-linux;
      mkDevShell =
        pkgs:
        pkgs.mkShell {
          packages = [ pkgs.cargo ];
        };
    in
    {
      devShells.x86_64-linux.default = mkDevShell host.pkgsStatic;
    };
}
