/*
  The remote back ends of sccache: the keys of their tables in its config file, the equivalent
  variables, and the sources of secrets. A test compares them with all keys of the file in
  `crates/sccache-control/src/config/keys.rs`.

  An environment variable that configures a back end replaces the whole table of that back end in the
  file, and a password alone does not configure one. So a server that gets its password from an
  environment file must get the rest of that back end from its environment as well: see `variables`.
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
  # Writes a key even if it is not set, because sccache refuses the table without it.
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
    description = "Whether this machine may write to the cache. sccache before 0.16 refuses this key.";
  };
  keyPrefix = example "/sccfg" (text "Prefix of all keys, so that several projects can share one store.");
in
{
  s3 = {
    title = "an S3 bucket or a compatible store";
    keys = {
      bucket = example "my-sccache" (required "Name of the bucket.");
      no_credentials = {
        type = types.bool;
        default = false;
        description = "Whether to access the bucket without credentials.";
      };
      region = example "eu-central-1" (text "Region of the bucket; `auto` if {option}`endpoint` is a store without regions.");
      endpoint = example "https://minio.example.org:9000" (text "URL of the store, if it is not Amazon S3.");
      use_ssl = flag "Whether to connect to the endpoint with TLS.";
      key_prefix = keyPrefix;
      server_side_encryption = flag "Whether the store encrypts the entries.";
      server_side_encryption_aws_kms = flag "Whether the store encrypts with a key of KMS. sccache before 0.17 refuses this key.";
      server_side_encryption_kms_key_id = text "Name of the KMS key. sccache before 0.17 refuses this key.";
      enable_virtual_host_style = flag "Whether the bucket is part of the host name. sccache before 0.11 refuses this key.";
      rw_mode = rwMode;
    };
    secrets = "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`";
  };

  redis = {
    title = "Redis";
    keys = {
      endpoint = example "redis://cache.example.org:6379" (text "URL of the server.");
      cluster_endpoints = example "redis://a:6379,redis://b:6379" (text "URLs of a cluster, instead of {option}`endpoint`.");
      username = text "User name for the login.";
      db = number "Number of the database.";
      ttl = example 604800 (number "Seconds until entries expire; never if unset.");
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
      url = example "tcp://cache.example.org:11211" (required "URL of the server.");
      username = text "User name for the login.";
      expiration = example 86400 (number "Seconds until entries expire; one day if unset.");
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
      bucket = example "my-sccache" (required "Name of the bucket.");
      key_prefix = written "sccache" (example "sccache" (required "Prefix of all keys."));
      rw_mode = {
        type = modes;
        default = "READ_WRITE";
        example = "READ_ONLY";
        description = "Whether this machine may write to the cache.";
      };
      cred_path = {
        type = "outside";
        default = null;
        example = "/run/secrets/gcs.json";
        description = ''
          Path of the file with the credentials, as a string. It must be outside of the Nix store, which
          is world-readable.
        '';
      };
      service_account = example "sccache@project.iam.gserviceaccount.com" (text "Service account to use.");
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
      container = example "sccache" (required "Name of the container.");
      key_prefix = written "" (example "sccache" (required "Prefix of all keys."));
      storage_account = example "mysccache" (text "Account, for a login without a connection string. sccache before 0.19 refuses this key.");
      endpoint = text "URL of the account, if it is not in Azure's public cloud. sccache before 0.19 refuses this key.";
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
    # Up to sccache 0.17, the table is an error without the connection string, which is a secret.
    inFile = table: table ? storage_account || table ? endpoint;
  };

  webdav = {
    title = "a WebDAV directory";
    keys = {
      endpoint = example "https://dav.example.org/sccache" (required "URL of the directory.");
      key_prefix = keyPrefix;
      username = text "User name for the login.";
      disable_create_dir = flag "Whether to create no directories. sccache before 0.19 refuses this key.";
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
    title = "the GitHub Actions cache";
    keys = {
      enabled = {
        type = types.bool;
        default = true;
        description = "Whether to use this back end.";
      };
      version = written "1" (example "2" (required "Version of the cache: with another value, it starts empty."));
      rw_mode = rwMode;
    };
    secrets = "`ACTIONS_RESULTS_URL` and `ACTIONS_RUNTIME_TOKEN`";
  };
}
