{
  home-manager.users.me = {
    programs.git.enable = true;
  };
}
