//! Digests of files, and keys: digests of labelled values.

use std::fs::Metadata;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::path_map::{PathMap, Role};
use super::plain_value::plain_value;
use sccfg_util::clock::since_1970;
use sccfg_util::fsio::{self, FileStat};
use sccfg_util::secret;

/// The BLAKE3 digest of `bytes`, in hexadecimal.
pub(super) fn of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A value that never repeats, for a key that must not be found again.
pub(super) fn now() -> String {
    format!("{} {}", since_1970().as_nanos(), std::process::id())
}

/// The digest of a file's content; `None` if it cannot be read.
pub(super) fn of_file(path: &Path) -> Option<String> {
    of_reader(fsio::open(path).ok()?)
}

/// The digest of what `reader` reads; `None` if it cannot be read.
pub(super) fn of_reader(reader: impl Read) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(reader).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

/// The digest of a source. A file in the target directory is hashed with placeholders: a build script may write paths into it,
/// and the compiled output shows whether it depends on them.
pub(super) fn of_source(path: &Path, path_map: &PathMap) -> Option<String> {
    if path_map.is_below(path, Role::Target) {
        return path_map
            .digest_with_placeholders(fsio::open(path).ok()?)
            .ok();
    }
    of_file(path)
}

/// Metadata that changes with each write of a file: programs cannot set the ctime. (It also changes with hard links and modes;
/// then the file is hashed again, with the same digest.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStamp {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    #[serde(rename = "number")]
    inode: u64,
    device: u64,
}

/// Two writes within this many seconds may result in the same ctime: file systems have a resolution of at most two seconds, and
/// the clock of a file server may differ a little.
const GRAIN: i64 = 2;

impl From<FileStat> for FileStamp {
    fn from(stat: FileStat) -> Self {
        let FileStat {
            size,
            modified,
            changed,
            inode,
            device,
        } = stat;
        Self {
            size,
            modified,
            changed,
            inode,
            device,
        }
    }
}

impl From<&Metadata> for FileStamp {
    fn from(metadata: &Metadata) -> Self {
        FileStat::from(metadata).into()
    }
}

impl FileStamp {
    /// The stamp of the file at `path`, links followed.
    pub(super) fn of(path: &Path) -> Option<Self> {
        FileStat::of(path).map(Self::from)
    }

    /// Adds it to a digest of stamps.
    pub(super) fn hash_into(&self, hasher: &mut blake3::Hasher) {
        let times = [self.modified, self.changed].map(|(seconds, nanos)| [seconds, nanos]);
        for number in [self.size, self.inode, self.device] {
            hasher.update(&number.to_le_bytes());
        }
        for number in times.as_flattened() {
            hasher.update(&number.to_le_bytes());
        }
    }

    /// Whether size, mtime, inode and device are equal. The ctime is ignored, so the file may have been renamed or linked.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        let identity = |stamp: &Self| (stamp.size, stamp.modified, stamp.inode, stamp.device);
        identity(self) == identity(other)
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether the change time (ctime) is `moment` or later.
    pub(super) fn changed_since(&self, moment: SystemTime) -> bool {
        let moment = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let moment = (
            i64::try_from(moment.as_secs()).unwrap_or(i64::MAX),
            i64::from(moment.subsec_nanos()),
        );
        self.changed >= moment
    }

    /// Whether any later write changes the stamp, if it was taken at `moment`: a file that was just
    /// written may be written again within the same tick of the clock.
    pub(super) fn is_settled_at(&self, moment: SystemTime) -> bool {
        let moment = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let moment = i64::try_from(moment.as_secs()).unwrap_or(i64::MAX);
        // A time in the future, from before the clock was set back, is as good as an old one.
        moment.abs_diff(self.changed.0) > GRAIN.unsigned_abs()
    }
}

/// A key under construction: labelled values, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Key {
    hasher: blake3::Hasher,
    /// The key with [portable](Self::add_with_portable) values instead of those of this checkout, if there are any.
    portable: Option<blake3::Hasher>,
    parts: Vec<KeyPart>,
}

/// Precedes the digest of a variable's value.
pub(super) const HASHED: &str = "set, digest ";

/// One part of a key, for `sccfg explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyPart {
    /// The label.
    pub(super) what: String,
    /// The value, or the beginning of its digest if it is long. Of a variable the value only if it cannot be secret.
    pub(super) value: String,
}

/// The value of a part of a key, or the beginning of its digest if it is long.
pub(super) fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if is_digest(text) => text.to_owned(),
        Ok(text) if text.len() <= 80 => secret::redact_by_pattern(text).into_owned(),
        _ => of(value)[..16].to_owned(),
    }
}

/// Whether a text is a digest as [`of`] writes it.
fn is_digest(text: &str) -> bool {
    text.len() == 2 * blake3::OUT_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// As [`shown`], for the value of a variable, which may be a password.
pub(super) fn shown_secret(what: &str, value: &[u8], hasher: &KeyedHasher) -> String {
    plain_value(what, value).unwrap_or_else(|| format!("{HASHED}{}", hasher.hash(what, value)))
}

/// Hashes values with a random key of this user and machine. A short password could be guessed from a plain
/// digest. The cache's keys, which all machines share, are not hashed with it.
#[derive(Clone)]
pub(super) struct KeyedHasher([u8; 32]);

impl KeyedHasher {
    /// One with a new random key.
    pub(super) fn new() -> Option<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The digest of the value of the variable `name`.
    pub(super) fn hash(&self, name: &str, value: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(value);
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Identifies it without revealing its key.
    pub(super) fn name(&self) -> String {
        self.hash("the name of the sealer", b"")
    }
}

impl std::fmt::Debug for KeyedHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyedHasher")
    }
}

impl Key {
    /// Adds a value.
    pub(super) fn add(&mut self, what: impl Into<String>, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.add_with_portable(what, value, value);
    }

    /// Adds a value that may differ between checkouts, and its portable form, which is the same in all of them.
    pub(super) fn add_with_portable(
        &mut self,
        what: impl Into<String>,
        value: impl AsRef<[u8]>,
        portable: impl AsRef<[u8]>,
    ) {
        let (what, value, portable) = (what.into(), value.as_ref(), portable.as_ref());
        if value != portable && self.portable.is_none() {
            self.portable = Some(self.hasher.clone());
        }
        update(&mut self.hasher, &what, value);
        if let Some(hasher) = &mut self.portable {
            update(hasher, &what, portable);
        }
        let value = shown(value);
        self.parts.push(KeyPart { what, value });
    }

    /// Adds the value of a variable. It may be a password, so the parts have only a keyed digest, unless it [cannot be
    /// secret](super::plain_value).
    pub(super) fn add_secret(
        &mut self,
        what: impl Into<String>,
        value: &[u8],
        hasher: &KeyedHasher,
    ) {
        let what = what.into();
        update(&mut self.hasher, &what, value);
        if let Some(hasher) = &mut self.portable {
            update(hasher, &what, value);
        }
        let value = shown_secret(&what, value, hasher);
        self.parts.push(KeyPart { what, value });
    }

    /// The key so far, in hexadecimal.
    pub(super) fn finish(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// The key with portable values so far, in hexadecimal; `None` if it is the same.
    pub(super) fn finish_portable(&self) -> Option<String> {
        let hasher = self.portable.as_ref()?;
        Some(hasher.finalize().to_hex().to_string())
    }

    /// Its parts, in order.
    pub(super) fn parts(&self) -> &[KeyPart] {
        &self.parts
    }
}

fn update(hasher: &mut blake3::Hasher, what: &str, value: &[u8]) {
    for part in [what.as_bytes(), value] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_values_are_separated() {
        let key = |values: &[(&str, &str)]| {
            let mut key = Key::default();
            for (what, value) in values {
                key.add(*what, value);
            }
            key.finish()
        };
        assert_ne!(key(&[("a", "bc")]), key(&[("ab", "c")]));
        assert_ne!(key(&[("a", "b"), ("c", "")]), key(&[("a", "b")]));
        assert_eq!(key(&[("a", "b")]), key(&[("a", "b")]));
    }

    #[test]
    fn the_parts_of_a_key_do_not_reveal_a_variable() {
        let [one, other] = [KeyedHasher::new().unwrap(), KeyedHasher::new().unwrap()];
        let key = |value: &str, hasher: &KeyedHasher| {
            let mut key = Key::default();
            key.add_secret("$DATABASE_URL", value.as_bytes(), hasher);
            (key.finish(), key.parts()[0].value.clone())
        };
        let (first, shown) = key("hunter2", &one);
        assert!(!shown.contains("hunter2") && shown.starts_with(HASHED));
        assert_eq!(key("hunter2", &one), (first.clone(), shown.clone()));
        assert_ne!(key("hunter3", &one).1, shown);
        // The key is that of all machines; what is shown is of one.
        assert_eq!(key("hunter2", &other).0, first);
        assert_ne!(key("hunter2", &other).1, shown);
        assert_ne!(one.name(), other.name());
    }
}
