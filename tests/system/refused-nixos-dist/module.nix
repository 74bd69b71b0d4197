{ pkgs, ... }:
{
  services.sccache-dist = {
    package = pkgs.sccache;
    server = {
      enable = true;
      schedulerUrl = "http://192.168.1.1:10600";
      address = "192.168.1.10:10501";
      # Nix would copy it to the store, which everybody can read.
      tokenFile = ./token;
    };
  };
}
