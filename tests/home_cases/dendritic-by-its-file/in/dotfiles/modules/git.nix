{
  flake.modules.homeManager.git = {
    programs.git.enable = true;
  };
}
