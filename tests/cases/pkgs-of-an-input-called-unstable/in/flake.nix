{
  inputs.unstable.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { self, unstable }:
    let
      pkgs = import unstable {
        system = "x86_64-linux";
        config.allowUnfree = true;
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ pkgs.cargo ];
      };
    };
}
