//! The keys of sccache's config file, as data: names, types, which are secret, and since when.
//!
//! Taken from the structures in sccache's `config.rs` (0.8.0 to 0.19.0). `check`, `set`, `get`,
//! the completions and the hints all read this one table.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use sccfg_util::secret::{Secrecy, is_secret_name};

/// A version of sccache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32, pub u32, pub u32);

/// The oldest sccache that sccfg writes for.
pub const OLDEST: Version = Version(0, 8, 0);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(major, minor, patch) = self;
        match patch {
            0 => write!(f, "{major}.{minor}"),
            _ => write!(f, "{major}.{minor}.{patch}"),
        }
    }
}

impl FromStr for Version {
    type Err = NoVersion;

    /// From what `sccache --version` prints: `sccache 0.16.0`.
    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let number = text.split_whitespace().last().ok_or(NoVersion)?;
        let number = number.split(['-', '+']).next().unwrap_or(number);
        let mut parts = number.split('.').map(|part| part.parse().ok());
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Some(major)), Some(Some(minor)), Some(Some(patch))) => {
                Ok(Self(major, minor, patch))
            }
            _ => Err(NoVersion),
        }
    }
}

/// The text holds no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a version")]
pub struct NoVersion;

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any text.
    Text,
    /// The path of a file or directory.
    Path,
    /// An address with `http` or `https` and no path, or `ip:port`.
    SchedulerUrl,
    /// A number of bytes, or since 0.11 a text such as `24G`.
    Size,
    /// `true` or `false`.
    Boolean,
    /// A number from 0 to this one.
    Integer(u64),
    /// One of these texts, spelt exactly so.
    Choice(&'static [&'static str]),
    /// A list of absolute directories.
    Directories,
    /// A list of back ends by name.
    Levels,
    /// A table that takes these keys and no others.
    Table(&'static [Key]),
    /// A table in which sccache passes over keys it does not know.
    OpenTable(&'static [Key]),
    /// A table whose `type` says which keys it takes.
    Tagged(&'static [Variant]),
    /// A list of such tables.
    TaggedList(&'static [Variant]),
}

/// The keys that go with one `type`.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// The value of `type`.
    pub tag: &'static str,
    /// The keys besides `type`, all of them required.
    pub keys: &'static [Key],
}

/// A key of sccache's config file.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name in its table.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether its table is an error without it.
    pub required: bool,
    /// How much of the value may be shown.
    pub secrecy: Secrecy,
    /// The first sccache that does not refuse it.
    pub since: Version,
    /// A second name that sccache takes.
    pub alias: Option<&'static str>,
}

impl Key {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Secret;
        self
    }

    const fn address(mut self) -> Self {
        self.secrecy = Secrecy::Address;
        self
    }

    const fn since(mut self, minor: u32) -> Self {
        self.since = Version(0, minor, 0);
        self
    }

    const fn alias(mut self, name: &'static str) -> Self {
        self.alias = Some(name);
        self
    }

    /// Whether `name` is how this key is written.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    /// The keys below this one, if it is a table.
    pub fn children(&self) -> Vec<&'static Key> {
        match self.kind {
            Kind::Table(keys) | Kind::OpenTable(keys) => keys.iter().collect(),
            Kind::Tagged(variants) => {
                let mut keys: Vec<&'static Key> = vec![&TYPE];
                for key in variants.iter().flat_map(|variant| variant.keys) {
                    if !keys.iter().any(|known| known.name == key.name) {
                        keys.push(key);
                    }
                }
                keys
            }
            _ => Vec::new(),
        }
    }
}

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
const LARGEST: u64 = i64::MAX.cast_unsigned();
/// The key that tells the variants of a table apart.
pub static TYPE: Key = key("type", Kind::Text).required();

/// The keys of `[cache.disk.preprocessor_cache_mode]`.
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
    key("ttl", Kind::Integer(LARGEST)).alias("expiration"),
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

/// The keys at the top of the file.
pub static ROOT: [Key; 5] = [
    key("cache", Kind::Table(&CACHE)),
    key("dist", Kind::Table(&DIST)),
    key("server_startup_timeout_ms", Kind::Integer(LARGEST)),
    key("basedirs", Kind::Directories).since(14),
    key("client_side_mode", Kind::Boolean).since(17),
];

/// The remote back ends in the order in which sccache prefers them
/// (`CacheConfigs::into_fallback`).
pub const REMOTES: [&str; 9] = [
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

/// The key called `name`, such as `cache.disk.size`.
///
/// ```
/// # use sccache_control::config::keys;
/// assert!(keys::find("cache.redis.password").is_some());
/// assert!(keys::find("cache.disk.sise").is_none());
/// ```
pub fn find(name: &str) -> Option<&'static Key> {
    let mut keys: Vec<&'static Key> = ROOT.iter().collect();
    let mut found = None;
    for part in name.split('.') {
        let key = keys.into_iter().find(|key| key.is_called(part))?;
        keys = key.children();
        found = Some(key);
    }
    found
}

/// How much may be shown of the value at `path`, which need not be one that sccache knows.
pub fn secrecy(path: &[&str]) -> Secrecy {
    let mut keys: Vec<&'static Key> = ROOT.iter().collect();
    let mut found = Secrecy::Public;
    for part in path {
        let key = keys.into_iter().find(|key| key.is_called(part));
        found = found.max(match key {
            Some(key) => key.secrecy,
            None if is_secret_name(part) => Secrecy::Secret,
            None => Secrecy::Public,
        });
        keys = key.map(Key::children).unwrap_or_default();
    }
    found
}

/// Every key with its dotted name, tables before what is in them.
pub fn all() -> Vec<(String, &'static Key)> {
    fn collect(prefix: &str, keys: Vec<&'static Key>, out: &mut Vec<(String, &'static Key)>) {
        for key in keys {
            let name = format!("{prefix}{}", key.name);
            out.push((name.clone(), key));
            collect(&format!("{name}."), key.children(), out);
        }
    }
    let mut out = Vec::new();
    collect("", ROOT.iter().collect(), &mut out);
    out
}

/// Every dotted name, for completions.
pub fn names() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| all().into_iter().map(|(name, _)| name).collect());
    &NAMES
}

/// The known key that was probably meant by `name`.
///
/// ```
/// # use sccache_control::config::keys;
/// assert_eq!(keys::nearest("cache.disk.sise").as_deref(), Some("cache.disk.size"));
/// assert_eq!(keys::nearest("disk.size").as_deref(), Some("cache.disk.size"));
/// assert_eq!(keys::nearest("apples.and.pears"), None);
/// ```
pub fn nearest(name: &str) -> Option<String> {
    let names = names();
    let leaf = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let wanted = leaf(name);
    names
        .iter()
        .find(|known| known.ends_with(&format!(".{name}")))
        .or_else(|| {
            let near = nearest_of(name, names.iter().map(String::as_str))?;
            names.iter().find(|known| *known == near)
        })
        .or_else(|| names.iter().find(|known| leaf(known) == wanted))
        .or_else(|| names.iter().find(|known| is_near(&wanted, &leaf(known))))
        .cloned()
}

/// The one of `candidates` that is nearest to `word`, if any is near.
pub fn nearest_of<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .filter(|candidate| is_near(word, candidate))
        .min_by_key(|candidate| strsim::damerau_levenshtein(word, candidate))
}

fn is_near(word: &str, candidate: &str) -> bool {
    let allowed = (word.chars().count().max(candidate.chars().count()) / 3).clamp(1, 3);
    strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()) <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_key() {
        for (name, key) in all() {
            assert_eq!(find(&name).unwrap().name, key.name, "{name}");
        }
        assert!(find("cache.redis.expiration").is_some());
        assert!(find("cache.disk").is_some());
        assert!(find("").is_none());
        assert!(find("cache.disk.size.x").is_none());
    }

    #[test]
    fn what_gives_access_is_secret() {
        for name in [
            "cache.redis.password",
            "cache.azure.connection_string",
            "cache.webdav.token",
            "dist.auth.token",
        ] {
            assert_eq!(find(name).unwrap().secrecy, Secrecy::Secret, "{name}");
        }
        // A password where a number is meant, or below a table that is none.
        for path in [
            &["cache", "redis", "password", "x"][..],
            &["cache", "s3", "secret_access_key"],
            &["tokens", "a"],
        ] {
            assert_eq!(secrecy(path), Secrecy::Secret, "{path:?}");
        }
    }

    #[test]
    fn every_address_is_known_as_one() {
        for (name, key) in all() {
            let is_address = name.ends_with("url") || name.contains("endpoint");
            assert_eq!(key.secrecy == Secrecy::Address, is_address, "{name}");
        }
        assert_eq!(
            secrecy(&["cache", "memcached", "endpoint"]),
            Secrecy::Address
        );
    }

    #[test]
    fn versions_are_read_from_what_sccache_prints() {
        assert_eq!("sccache 0.16.0\n".parse(), Ok(Version(0, 16, 0)));
        assert_eq!("sccache 0.19.1-alpha.0".parse(), Ok(Version(0, 19, 1)));
        assert_eq!("sccache".parse::<Version>(), Err(NoVersion));
        assert!(Version(0, 9, 1) < Version(0, 16, 0));
        assert_eq!(Version(0, 17, 0).to_string(), "0.17");
    }
}
