{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs";

  outputs =
    { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      common = { FOO = "1"; };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ pkgs.cargo ]; # the tools
        FOO = "1";
        shellHook = ''
          echo hello
            indented
        '';
      };
    };
}
