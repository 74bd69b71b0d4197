{
  programs.sccache.enable = true;
  home.sessionVariables = {
    SCCACHE_REDIS = "redis://me:secret@host";
    SCCACHE_REDIS_CLUSTER_ENDPOINTS = "redis://a,redis://:secret@b";
    SCCACHE_MEMCACHED_ENDPOINT = "me:secret@host:11211";
    SCCACHE_WEBDAV_ENDPOINT = "https://host/dav?token=secret";
    # No passwords.
    SCCACHE_REDIS_ENDPOINT = "redis://me@host";
    SCCACHE_REDIS_KEY_PREFIX = "a:b@c";
    SCCACHE_AZURE_ENDPOINT = "https://account.blob.core.windows.net";
  };
  systemd.user.sessionVariables.ALIBABA_CLOUD_ACCESS_KEY_SECRET = "x";
  systemd.user.sessionVariables.TENCENTCLOUD_SECRET_KEY = "x";
}
