{
  programs.sccache = {
    enable = true;
    service.enable = true;
    remote.s3 = {
      bucket = "team";
      region = "auto";
      endpoint = "https://minio.example.org:9000";
      use_ssl = true;
      key_prefix = "/linux";
      server_side_encryption = false;
      enable_virtual_host_style = false;
      rw_mode = "READ_WRITE";
      environmentFile = "/run/secrets/s3";
    };
  };
}
