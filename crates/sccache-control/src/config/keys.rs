//! The keys of sccache's config file: names, types, which are secret, and since which version.

mod suggest;
mod table;

use std::sync::LazyLock;

use sccfg_util::secret::{Secrecy, is_secret_name};

pub use suggest::nearest;
pub(crate) use suggest::nearest_of;
pub(super) use table::{REMOTES, ROOT, TYPE};

/// The minor number of the oldest supported sccache, 0.8.0.
pub(super) const OLDEST: u64 = 8;

/// The type of a key's value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any string.
    Text,
    /// The path of a file or directory.
    Path,
    /// An `http` or `https` URL without a path, or `ip:port`.
    SchedulerUrl,
    /// A number of bytes, or since 0.11 a string such as `24G`.
    Size,
    /// `true` or `false`.
    Boolean,
    /// An integer from 0 to this maximum.
    Integer(u64),
    /// One of these strings; case matters.
    Choice(&'static [&'static str]),
    /// An array of absolute paths.
    Directories,
    /// An array of names of back ends.
    Levels,
    /// A table with these keys and no others.
    Table(&'static [Key]),
    /// A table in which sccache ignores unknown keys.
    OpenTable(&'static [Key]),
    /// A table whose `type` determines its keys.
    Tagged(&'static [Variant]),
    /// An array of such tables.
    TaggedList(&'static [Variant]),
}

/// The keys for one value of `type`.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// The value of `type`.
    pub tag: &'static str,
    /// The other keys, all of which are required.
    pub keys: &'static [Key],
}

/// A key of sccache's config file.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name within its table.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Whether sccache rejects its table without it.
    pub required: bool,
    /// Whether the value is secret.
    pub secrecy: Secrecy,
    /// The first version of sccache that accepts it: 0.`since`.0.
    pub since: u64,
    /// Another name that sccache accepts.
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

    const fn since(mut self, minor: u64) -> Self {
        self.since = minor;
        self
    }

    const fn alias(mut self, name: &'static str) -> Self {
        self.alias = Some(name);
        self
    }

    /// Whether `name` is the name or the alias of this key.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    /// The keys of this table; none if it is not a table.
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

/// The key called `name`, such as `cache.disk.size`.
///
/// ```
/// # use sccache_control::config::keys;
/// assert!(keys::find("cache.redis.password").is_some());
/// assert!(keys::find("cache.disk.sise").is_none());
/// ```
pub fn find(name: &str) -> Option<&'static Key> {
    let mut keys: Vec<&'static Key> = table::ROOT.iter().collect();
    let mut found = None;
    for part in name.split('.') {
        let key = keys.into_iter().find(|key| key.is_called(part))?;
        keys = key.children();
        found = Some(key);
    }
    found
}

/// Whether the value at `path`, which may be unknown to sccache, is secret.
pub fn secrecy(path: &[&str]) -> Secrecy {
    let mut keys: Vec<&'static Key> = table::ROOT.iter().collect();
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

/// Every key with its dotted name, tables before their keys.
pub fn all() -> Vec<(String, &'static Key)> {
    fn collect(prefix: &str, keys: Vec<&'static Key>, out: &mut Vec<(String, &'static Key)>) {
        for key in keys {
            let name = format!("{prefix}{}", key.name);
            out.push((name.clone(), key));
            collect(&format!("{name}."), key.children(), out);
        }
    }
    let mut out = Vec::new();
    collect("", table::ROOT.iter().collect(), &mut out);
    out
}

/// Every dotted name.
pub fn names() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| all().into_iter().map(|(name, _)| name).collect());
    &NAMES
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
    fn credentials_are_secret() {
        for name in [
            "cache.redis.password",
            "cache.azure.connection_string",
            "cache.webdav.token",
            "dist.auth.token",
        ] {
            assert_eq!(find(name).unwrap().secrecy, Secrecy::Secret, "{name}");
        }
        // Also below an unknown key, or below a key that is not a table.
        for path in [
            &["cache", "redis", "password", "x"][..],
            &["cache", "s3", "secret_access_key"],
            &["tokens", "a"],
        ] {
            assert_eq!(secrecy(path), Secrecy::Secret, "{path:?}");
        }
    }

    #[test]
    fn every_address_is_marked_as_one() {
        for (name, key) in all() {
            let is_address = name.ends_with("url") || name.contains("endpoint");
            assert_eq!(key.secrecy == Secrecy::Address, is_address, "{name}");
        }
        assert_eq!(
            secrecy(&["cache", "memcached", "endpoint"]),
            Secrecy::Address
        );
    }
}
