{
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.webdav = {
      endpoint = "https://dav.example.org/sccache";
      key_prefix = "/linux";
      username = "me";
      environmentFile = "/run/secrets/webdav";
    };
  };
}
