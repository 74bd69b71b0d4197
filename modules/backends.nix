/*
  The remote back ends of sccache: the keys of their tables in its config file, the variables that
  say the same, and where secrets come from. `crates/sccache-control/src/config/keys.rs` has the whole of the file's keys;
  a test holds the two together.

  An environment variable that sets a back end up replaces the file's table of that name as a whole,
  and a password alone sets nothing up. So a server that gets its password from an environment file
  has to get the rest of that back end from its environment, too: those have `variables`.
*/
{ lib }:
let
  inherit (lib) types;

  text = description: {
    type = types.nullOr types.str;
    default = null;
    inherit description;
  };
  required = description: {
    type = types.str;
    inherit description;
  };
  number = description: {
    type = types.nullOr types.ints.unsigned;
    default = null;
    inherit description;
  };
  flag = description: {
    type = types.nullOr types.bool;
    default = null;
    inherit description;
  };
  # Writes a key even where nobody set it, because sccache refuses the table without it.
  written = default: key: key // { inherit default; };
  example = value: key: key // { example = value; };
  modes = types.enum [
    "READ_ONLY"
    "READ_WRITE"
  ];
  rwMode = {
    type = types.nullOr modes;
    default = null;
    example = "READ_ONLY";
    description = "Whether this machine writes to the cache as well. sccache before 0.16 refuses this key.";
  };
  keyPrefix = example "/sccfg" (text "What all keys begin with, so that several projects can share one store.");
in
{
  s3 = {
    title = "a bucket of S3, or of a store that speaks its protocol";
    keys = {
      bucket = example "my-sccache" (required "The name of the bucket.");
      no_credentials = {
        type = types.bool;
        default = false;
        description = "Whether the bucket is read without credentials.";
      };
      region = example "eu-central-1" (text "The region of the bucket; `auto` where {option}`endpoint` names a store without regions.");
      endpoint = example "https://minio.example.org:9000" (text "Where the store is, unless it is Amazon's.");
      use_ssl = flag "Whether the endpoint is reached through TLS.";
      key_prefix = keyPrefix;
      server_side_encryption = flag "Whether the store is to encrypt what it gets.";
      server_side_encryption_aws_kms = flag "Whether it encrypts with a key of KMS. sccache before 0.17 refuses this key.";
      server_side_encryption_kms_key_id = text "The name of that key. sccache before 0.17 refuses this one.";
      enable_virtual_host_style = flag "Whether the bucket is part of the host name. sccache before 0.11 refuses this key.";
      rw_mode = rwMode;
    };
    secrets = "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`";
  };

  redis = {
    title = "Redis";
    keys = {
      endpoint = example "redis://cache.example.org:6379" (text "The address of the server.");
      cluster_endpoints = example "redis://a:6379,redis://b:6379" (text "The addresses of a cluster, in place of {option}`endpoint`.");
      username = text "Who to log in as.";
      db = number "The number of the database.";
      ttl = example 604800 (number "After how many seconds entries go; never if this is not set.");
      key_prefix = keyPrefix;
      rw_mode = rwMode;
    };
    secrets = "`SCCACHE_REDIS_PASSWORD`";
    variables = {
      endpoint = "SCCACHE_REDIS_ENDPOINT";
      cluster_endpoints = "SCCACHE_REDIS_CLUSTER_ENDPOINTS";
      username = "SCCACHE_REDIS_USERNAME";
      db = "SCCACHE_REDIS_DB";
      ttl = "SCCACHE_REDIS_TTL";
      key_prefix = "SCCACHE_REDIS_KEY_PREFIX";
      rw_mode = "SCCACHE_REDIS_RW_MODE";
    };
  };

  memcached = {
    title = "memcached";
    keys = {
      url = example "tcp://cache.example.org:11211" (required "The address of the server.");
      username = text "Who to log in as.";
      expiration = example 86400 (number "After how many seconds entries go; a day if this is not set.");
      key_prefix = keyPrefix;
      rw_mode = rwMode;
    };
    secrets = "`SCCACHE_MEMCACHED_PASSWORD`";
    variables = {
      url = "SCCACHE_MEMCACHED_ENDPOINT";
      username = "SCCACHE_MEMCACHED_USERNAME";
      expiration = "SCCACHE_MEMCACHED_EXPIRATION";
      key_prefix = "SCCACHE_MEMCACHED_KEY_PREFIX";
      rw_mode = "SCCACHE_MEMCACHED_RW_MODE";
    };
  };

  gcs = {
    title = "Google Cloud Storage";
    keys = {
      bucket = example "my-sccache" (required "The name of the bucket.");
      key_prefix = written "sccache" (example "sccache" (required "What all keys begin with."));
      rw_mode = {
        type = modes;
        default = "READ_WRITE";
        example = "READ_ONLY";
        description = "Whether this machine writes to the cache as well.";
      };
      cred_path = {
        type = "outside";
        default = null;
        example = "/run/secrets/gcs.json";
        description = ''
          The file with the credentials, as text. It has to be outside of the Nix store, which
          everybody can read.
        '';
      };
      service_account = example "sccache@project.iam.gserviceaccount.com" (text "The account to act as.");
    };
    secrets = "`SCCACHE_GCS_CREDENTIALS_URL`";
    variables = {
      bucket = "SCCACHE_GCS_BUCKET";
      key_prefix = "SCCACHE_GCS_KEY_PREFIX";
      rw_mode = "SCCACHE_GCS_RW_MODE";
      cred_path = "SCCACHE_GCS_KEY_PATH";
      service_account = "SCCACHE_GCS_SERVICE_ACCOUNT";
    };
  };

  azure = {
    title = "Azure Blob Storage";
    keys = {
      container = example "sccache" (required "The name of the container.");
      key_prefix = written "" (example "sccache" (required "What all keys begin with."));
      storage_account = example "mysccache" (text "The account, for a login without a connection string. sccache before 0.19 refuses this key.");
      endpoint = text "Where the account is, unless it is in Azure's public cloud. sccache before 0.19 refuses this key.";
      rw_mode = rwMode;
    };
    secrets = "`SCCACHE_AZURE_CONNECTION_STRING`";
    variables = {
      container = "SCCACHE_AZURE_BLOB_CONTAINER";
      key_prefix = "SCCACHE_AZURE_KEY_PREFIX";
      storage_account = "SCCACHE_AZURE_STORAGE_ACCOUNT";
      endpoint = "SCCACHE_AZURE_ENDPOINT";
      rw_mode = "SCCACHE_AZURE_RW_MODE";
    };
    # Up to 0.17 the file's table is an error without the connection string, which is a secret.
    inFile = table: table ? storage_account || table ? endpoint;
  };

  webdav = {
    title = "a directory of WebDAV";
    keys = {
      endpoint = example "https://dav.example.org/sccache" (required "The address of the directory.");
      key_prefix = keyPrefix;
      username = text "Who to log in as.";
      disable_create_dir = flag "Whether no directories are made. sccache before 0.19 refuses this key.";
      rw_mode = rwMode;
    };
    secrets = "`SCCACHE_WEBDAV_PASSWORD` or `SCCACHE_WEBDAV_TOKEN`";
    variables = {
      endpoint = "SCCACHE_WEBDAV_ENDPOINT";
      key_prefix = "SCCACHE_WEBDAV_KEY_PREFIX";
      username = "SCCACHE_WEBDAV_USERNAME";
      disable_create_dir = "SCCACHE_WEBDAV_DISABLE_CREATE_DIR";
      rw_mode = "SCCACHE_WEBDAV_RW_MODE";
    };
  };

  gha = {
    title = "GitHub Actions' cache";
    keys = {
      enabled = {
        type = types.bool;
        default = true;
        description = "Whether it is used.";
      };
      version = written "1" (example "2" (required "What sets entries apart: another text is an empty cache."));
      rw_mode = rwMode;
    };
    secrets = "`ACTIONS_RESULTS_URL` and `ACTIONS_RUNTIME_TOKEN`";
  };
}
