{
  home = {
    username = "me";
    homeDirectory = "/home/me";
    stateVersion = "25.05";
  };
}
