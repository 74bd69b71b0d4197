{ imports = [ ./home.nix ]; }
