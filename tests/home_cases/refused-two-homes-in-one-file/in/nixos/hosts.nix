{
  desktop.home-manager.users.them = {
    home.stateVersion = "24.11";
  };
  laptop.home-manager.users.them = {
    home.stateVersion = "25.05";
  };
}
