{ pkgs, ... }:
{
  services.sccache-dist = {
    package = pkgs.sccache;
    scheduler = {
      enable = true;
      address = "192.168.1.1:10600";
      clientTokenFile = "/run/secrets/client-token";
      serverKeyFile = "/run/secrets/server-key";
      openFirewall = true;
    };
    server = {
      enable = true;
      schedulerUrl = "http://192.168.1.1:10600";
      address = "192.168.1.1:10501";
      listenAddress = "0.0.0.0:10501";
      tokenFile = "/run/secrets/server-token";
      cacheSize = "50GiB";
      openFirewall = true;
    };
  };
}
