{ pkgs, ... }:
{
  services.sccache-dist = {
    package = pkgs.sccache;
    server = {
      enable = true;
      schedulerUrl = "http://192.168.1.1:10600";
      address = "192.168.1.10:10501";
      tokenFile = "$HOME/token";
    };
  };
}
