{ pkgs, ... }: { packages = [ pkgs.git ]; env.B = "2"; }
