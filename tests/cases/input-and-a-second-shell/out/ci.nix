{ pkgs }: pkgs.mkShell { NAME2 = "ci"; }
