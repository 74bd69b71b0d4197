{
  perSystem =
    { pkgs, ... }:
    {
      devShells.default = pkgs.mkShell {
        WHERE = "nix/shell.nix";
      };
    };
}
