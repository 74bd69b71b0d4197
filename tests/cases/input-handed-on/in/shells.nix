{
  self,
  nixpkgs
}:
let
  pkgs = nixpkgs.legacyPackages.x86_64-linux;
in
{
  x86_64-linux.default = pkgs.mkShell { packages = [ pkgs.cargo ]; };
}
