{
  programs.sccache = {
    enable = true;
    remote.gcs = {
      bucket = "team";
      cred_path = "/run/secrets/gcs.json";
      service_account = "me@example.org";
    };
  };
}
