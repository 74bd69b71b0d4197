{
  outputs = { nixpkgs, devshell, flake-utils, ... }:
    flake-utils.lib.eachSystem [ "x86_64-linux" ] (system: let
      pkgs = import nixpkgs { inherit system; overlays = [ devshell.overlays.default ]; };
    in {
      devShell = pkgs.devshell.mkShell {
        name = "x";
        packages = [ pkgs.cargo ];
        env = [ { name = "A"; value = "1"; } ] ++ pkgs.lib.optional true { name = "B"; value = 2; };
      };
    });
}
