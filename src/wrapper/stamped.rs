//! Digests of files that are read again only once they were written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::digest::{Key, Stamp, of_file};
use super::state::State;

/// Digests that hold as long as the stamps of their files do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamped {
    files: Vec<(PathBuf, Stamp)>,
    /// The digest of all of them.
    pub(super) digest: String,
}

impl Stamped {
    /// Reads `files`; those that are not there count as missing.
    pub(super) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut all = Self::default();
        let mut key = Key::default();
        for path in files {
            let (Some(stamp), Some(digest)) = (Stamp::of(&path), of_file(&path)) else {
                continue;
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            key.add(name, digest);
            all.files.push((path, stamp));
        }
        all.digest = key.finish();
        all
    }

    /// What is remembered under `subject`, as long as it holds; else `files` are read.
    pub(super) fn known(
        state: &State,
        kind: &str,
        subject: &str,
        files: impl FnOnce() -> Vec<PathBuf>,
    ) -> Self {
        if let Some(known) = state.recall::<Self>(kind, subject)
            && known.holds()
        {
            return known;
        }
        let found = Self::new(files());
        state.remember(kind, subject, &found);
        found
    }

    /// Whether no file was written since.
    pub(super) fn holds(&self) -> bool {
        self.files
            .iter()
            .all(|(path, stamp)| Stamp::of(path).as_ref() == Some(stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fsio;

    #[test]
    fn a_digest_holds_until_its_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fsio::replace(&file, b"one").unwrap();
        let stamped = Stamped::new([file.clone(), folder.path().join("missing")]);
        assert!(stamped.holds());
        fsio::replace(&file, b"more").unwrap();
        assert!(!stamped.holds());
        assert_ne!(stamped.digest, Stamped::new([file]).digest);
    }
}
