{ flake.modules.homeManager.me.imports = [ ./_me ]; }
