# Every variable for which sccache drops a part of the file.
{
  programs.sccache = {
    enable = true;
    cache.size = "24GiB";
  };
  home.sessionVariables = {
    SCCACHE_CONF = "x";
    SCCACHE_DIR = "x";
    SCCACHE_CACHE_SIZE = "x";
    SCCACHE_DIRECT = "x";
    SCCACHE_LOCAL_RW_MODE = "x";
    SCCACHE_BASEDIRS = "x";
    SCCACHE_BUCKET = "x";
    SCCACHE_REDIS = "x";
    SCCACHE_REDIS_ENDPOINT = "x";
    SCCACHE_REDIS_CLUSTER_ENDPOINTS = "x";
    SCCACHE_MEMCACHED = "x";
    SCCACHE_MEMCACHED_ENDPOINT = "x";
    SCCACHE_GCS_BUCKET = "x";
    SCCACHE_AZURE_BLOB_CONTAINER = "x";
    SCCACHE_WEBDAV_ENDPOINT = "x";
    SCCACHE_GHA_ENABLED = "x";
    SCCACHE_GHA_VERSION = "x";
    SCCACHE_OSS_BUCKET = "x";
    SCCACHE_COS_BUCKET = "x";
    SCCACHE_MULTILEVEL_CHAIN = "x";
  };
}
