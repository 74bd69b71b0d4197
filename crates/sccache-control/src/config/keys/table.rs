//! The table of keys, taken from the structures in sccache's `config.rs` (0.8.0 to 0.19.0).

use super::{Key, Kind, OLDEST, Variant};
use sccfg_util::secret::Secrecy;

const fn key(name: &'static str, kind: Kind) -> Key {
    Key {
        name,
        kind,
        required: false,
        secrecy: Secrecy::Public,
        since: OLDEST,
        alias: None,
    }
}

const RW_MODE: Key = key("rw_mode", Kind::Choice(&["READ_ONLY", "READ_WRITE"]));
const KEY_PREFIX: Key = key("key_prefix", Kind::Text);
const BUCKET: Key = key("bucket", Kind::Text).required();
const ENDPOINT: Key = key("endpoint", Kind::Text).address();
const NO_CREDENTIALS: Key = key("no_credentials", Kind::Boolean).required();
const USERNAME: Key = key("username", Kind::Text);
const PASSWORD: Key = key("password", Kind::Text).secret();
const MAX_INTEGER: u64 = i64::MAX.cast_unsigned();
/// The key that determines the variant of a table.
pub(in crate::config) static TYPE: Key = key("type", Kind::Text).required();

static PREPROCESSOR: [Key; 6] = [
    key("use_preprocessor_cache_mode", Kind::Boolean),
    key("file_stat_matches", Kind::Boolean),
    key("use_ctime_for_stat", Kind::Boolean),
    key("ignore_time_macros", Kind::Boolean),
    key("skip_system_headers", Kind::Boolean),
    key("hash_working_directory", Kind::Boolean),
];

static DISK: [Key; 4] = [
    key("dir", Kind::Path),
    key("size", Kind::Size),
    RW_MODE,
    key("preprocessor_cache_mode", Kind::Table(&PREPROCESSOR)),
];

static S3: [Key; 11] = [
    BUCKET,
    NO_CREDENTIALS,
    key("region", Kind::Text),
    ENDPOINT,
    key("use_ssl", Kind::Boolean),
    KEY_PREFIX,
    key("server_side_encryption", Kind::Boolean),
    key("server_side_encryption_aws_kms", Kind::Boolean).since(17),
    key("server_side_encryption_kms_key_id", Kind::Text).since(17),
    key("enable_virtual_host_style", Kind::Boolean).since(11),
    RW_MODE.since(16),
];

static REDIS: [Key; 9] = [
    ENDPOINT,
    key("cluster_endpoints", Kind::Text).address(),
    key("url", Kind::Text).address(),
    USERNAME,
    PASSWORD,
    key("db", Kind::Integer(u32::MAX as u64)),
    key("ttl", Kind::Integer(MAX_INTEGER)).alias("expiration"),
    KEY_PREFIX,
    RW_MODE.since(16),
];

static MEMCACHED: [Key; 6] = [
    key("url", Kind::Text)
        .required()
        .address()
        .alias("endpoint"),
    USERNAME,
    PASSWORD,
    key("expiration", Kind::Integer(u32::MAX as u64)),
    KEY_PREFIX,
    RW_MODE.since(16),
];

static GCS: [Key; 6] = [
    BUCKET,
    KEY_PREFIX.required(),
    RW_MODE.required(),
    key("cred_path", Kind::Path),
    key("service_account", Kind::Text),
    key("credential_url", Kind::Text).address(),
];

static GHA: [Key; 3] = [
    key("enabled", Kind::Boolean).required(),
    key("version", Kind::Text).required(),
    RW_MODE.since(16),
];

static AZURE: [Key; 6] = [
    key("container", Kind::Text).required(),
    KEY_PREFIX.required(),
    key("connection_string", Kind::Text).secret(),
    key("storage_account", Kind::Text).since(19),
    ENDPOINT.since(19),
    RW_MODE.since(16),
];

static WEBDAV: [Key; 7] = [
    ENDPOINT.required(),
    KEY_PREFIX,
    USERNAME,
    PASSWORD,
    key("token", Kind::Text).secret(),
    key("disable_create_dir", Kind::Boolean).since(19),
    RW_MODE.since(16),
];

static OSS: [Key; 5] = [
    BUCKET,
    NO_CREDENTIALS,
    ENDPOINT,
    KEY_PREFIX,
    RW_MODE.since(16),
];

static COS: [Key; 4] = [BUCKET, ENDPOINT, KEY_PREFIX, RW_MODE.since(16)];

static MULTILEVEL: [Key; 2] = [
    key("chain", Kind::Levels).required(),
    key("write_error_policy", Kind::Choice(&["ignore", "l0", "all"])),
];

static CACHE: [Key; 11] = [
    key("disk", Kind::Table(&DISK)),
    key("s3", Kind::Table(&S3)),
    key("redis", Kind::Table(&REDIS)),
    key("memcached", Kind::Table(&MEMCACHED)),
    key("gcs", Kind::Table(&GCS)),
    key("gha", Kind::Table(&GHA)),
    key("azure", Kind::Table(&AZURE)),
    key("webdav", Kind::Table(&WEBDAV)),
    key("oss", Kind::Table(&OSS)),
    key("cos", Kind::Table(&COS)).since(14),
    key("multilevel", Kind::OpenTable(&MULTILEVEL)).since(15),
];

static CLIENT_ID: Key = key("client_id", Kind::Text).required();
static AUTH: [Variant; 3] = [
    Variant {
        tag: "token",
        keys: &[key("token", Kind::Text).required().secret()],
    },
    Variant {
        tag: "oauth2_code_grant_pkce",
        keys: &[
            CLIENT_ID,
            key("auth_url", Kind::Text).required().address(),
            key("token_url", Kind::Text).required().address(),
        ],
    },
    Variant {
        tag: "oauth2_implicit",
        keys: &[CLIENT_ID, key("auth_url", Kind::Text).required().address()],
    },
];

static TOOLCHAINS: [Variant; 2] = [
    Variant {
        tag: "no_dist",
        keys: &[key("compiler_executable", Kind::Path).required()],
    },
    Variant {
        tag: "path_override",
        keys: &[
            key("compiler_executable", Kind::Path).required(),
            key("archive", Kind::Path).required(),
            key("archive_compiler_executable", Kind::Text).required(),
        ],
    },
];

static DIST: [Key; 6] = [
    key("auth", Kind::Tagged(&AUTH)),
    key("scheduler_url", Kind::SchedulerUrl).address(),
    key("cache_dir", Kind::Path),
    key("toolchains", Kind::TaggedList(&TOOLCHAINS)),
    key("toolchain_cache_size", Kind::Size),
    key("rewrite_includes_only", Kind::Boolean),
];

/// The top-level keys.
pub(in crate::config) static ROOT: [Key; 5] = [
    key("cache", Kind::Table(&CACHE)),
    key("dist", Kind::Table(&DIST)),
    key("server_startup_timeout_ms", Kind::Integer(MAX_INTEGER)),
    key("basedirs", Kind::Directories).since(14),
    key("client_side_mode", Kind::Boolean).since(17),
];

/// The remote back ends, in the order in which sccache prefers them
/// (`CacheConfigs::into_fallback`).
pub(in crate::config) const REMOTES: [&str; 9] = [
    "s3",
    "redis",
    "memcached",
    "gcs",
    "gha",
    "azure",
    "webdav",
    "oss",
    "cos",
];
