{ inputs, ... }:
{
  perSystem =
    { pkgs, ... }:
    {
      devShells.default = pkgs.mkShell {
        REVISION = inputs.self.shortRev or "dirty";
      };
    };
}
