{
  programs.sccache = {
    enable = true;
    settings.cache = {
      redis.url = "redis://me:secret@host";
      memcached.url = "tcp://:secret@host";
      gcs.credential_url = "https://me:secret@host/";
    };
    remote.webdav.endpoint = "https://me:secret@host/";
  };
}
