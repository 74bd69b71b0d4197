{
  programs.sccache = {
    enable = true;
    remote.gcs = {
      bucket = "team";
      cred_path = "$XDG_RUNTIME_DIR/agenix/gcs";
    };
  };
}
