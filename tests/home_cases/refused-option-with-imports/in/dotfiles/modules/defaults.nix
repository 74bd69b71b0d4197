{ lib, ... }:
{
  den.default = {
    homeManager.imports = [ ];
    homeManager.home.stateVersion = "26.05";
  };
}
