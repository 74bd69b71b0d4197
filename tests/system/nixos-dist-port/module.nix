{ pkgs, ... }:
{
  services.sccache-dist = {
    package = pkgs.sccache;
    scheduler = {
      enable = true;
      address = "192.168.1.1:0099";
      clientTokenFile = "/run/secrets/client-token";
      serverKeyFile = "/run/secrets/server-key";
      openFirewall = true;
    };
  };
}
