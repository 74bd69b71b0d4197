{
  home-manager.users.you = {
    programs.fish.enable = true;
  };
  home-manager.users.me = {
    programs.zsh.enable = true;
  };
}
