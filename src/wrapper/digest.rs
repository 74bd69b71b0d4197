//! What a key is made of: digests of files and of labelled values.

use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::places::{Places, Role};
use crate::fsio;

/// The digest of some bytes, in hexadecimal digits.
pub(super) fn of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// What was never before, for a key that nobody is to find again.
pub(super) fn now() -> String {
    let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    format!(
        "{} {}",
        now.unwrap_or_default().as_nanos(),
        std::process::id()
    )
}

/// The digest of a file's content; `None` where it cannot be read.
pub(super) fn of_file(path: &Path) -> Option<String> {
    Some(of(&fsio::bytes(path)?))
}

/// The digest of a source. What a build script wrote may speak of the place; whether that counts
/// shows in what is made of it.
pub(super) fn of_source(path: &Path, places: &Places) -> Option<String> {
    let bytes = fsio::bytes(path)?;
    let is_made = places
        .folder(Role::Target)
        .is_some_and(|target| path.starts_with(target));
    Some(if is_made {
        of(&places.hide(&bytes))
    } else {
        of(&bytes)
    })
}

/// Size, time and number of a file: enough to tell whether it was written since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    size: u64,
    modified: u128,
    number: u64,
}

impl Stamp {
    /// The stamp of the file at `path`, links followed.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        let modified = metadata.modified().ok()?;
        Some(Self {
            size: metadata.len(),
            modified: modified.duration_since(UNIX_EPOCH).ok()?.as_nanos(),
            number: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether `now` is of the same file with the same content. cargo sets the time of some files
    /// back to when it started the compiler.
    pub(super) fn is_of_an_untouched(&self, now: &Self) -> bool {
        self.number == now.number && self.size == now.size && now.modified <= self.modified
    }
}

/// A key in the making: labelled values, of which the order counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Key {
    hasher: blake3::Hasher,
    seen: Vec<Seen>,
}

/// One value that a key saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// What it is.
    pub(super) what: String,
    /// The value, or the beginning of its digest where it is long.
    pub(super) value: String,
}

impl Key {
    /// Puts in a value.
    pub(super) fn add(&mut self, what: impl Into<String>, value: impl AsRef<[u8]>) {
        let (what, value) = (what.into(), value.as_ref());
        for part in [what.as_bytes(), value] {
            self.hasher.update(&(part.len() as u64).to_le_bytes());
            self.hasher.update(part);
        }
        let shown = match std::str::from_utf8(value) {
            Ok(text) if text.len() <= 80 => text.to_owned(),
            _ => of(value)[..16].to_owned(),
        };
        self.seen.push(Seen { what, value: shown });
    }

    /// The key so far, in hexadecimal digits.
    pub(super) fn finish(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// What it saw, in order.
    pub(super) fn seen(&self) -> &[Seen] {
        &self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_run_into_each_other() {
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
}
