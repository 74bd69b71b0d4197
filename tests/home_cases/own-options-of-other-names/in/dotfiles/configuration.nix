{
  home-manager.users.me = {
    home-manager.editor.enable = true;
    home.stateVersion = "26.05";
  };
}
