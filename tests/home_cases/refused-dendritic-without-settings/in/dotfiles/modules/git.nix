{
  flake.modules.homeManager = {
    git = { pkgs, ... }: { programs.git.enable = true; };
  };
}
