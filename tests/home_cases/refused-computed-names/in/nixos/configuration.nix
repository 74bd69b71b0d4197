{ user, ... }:
{
  home-manager.users.${user} = {
    home.stateVersion = "24.11";
  };
  home-manager.users."you.there" = { };
}
