# Nix copies what is written as a path into its store.
{
  programs.sccache = {
    enable = true;
    remote.gcs = {
      bucket = "team";
      cred_path = ./gcs.json;
    };
  };
}
