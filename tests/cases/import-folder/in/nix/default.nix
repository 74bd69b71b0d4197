{ pkgs }:
{
  shell = pkgs.mkShell {
    packages = [ pkgs.cargo ];
  };
}
