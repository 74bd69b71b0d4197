{ pkgs }:
{
  ci = pkgs.mkShell { };
  docs = pkgs.mkShell { A = "1"; };
}
