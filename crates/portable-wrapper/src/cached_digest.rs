//! Digests of files that are read again only once they were written.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::digest::{FileStamp, Key, of_file};
use super::state_dir::StateDir;

/// Digests that hold as long as the stamps of their files do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CachedDigest {
    files: Vec<(PathBuf, FileStamp)>,
    /// Whether any later write shows in the stamps; what is not, is not worth remembering.
    #[serde(skip)]
    pub(super) is_settled: bool,
    /// The digest of all of them.
    pub(super) digest: String,
}

impl CachedDigest {
    /// Reads `files`; those that are not there count as missing.
    pub(super) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut all = Self {
            is_settled: true,
            ..Self::default()
        };
        let moment = SystemTime::now();
        let mut key = Key::default();
        for path in files {
            let (Some(stamp), Some(digest)) = (FileStamp::of(&path), of_file(&path)) else {
                continue;
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            key.add(name, digest);
            all.is_settled &= stamp.is_settled_at(moment);
            all.files.push((path, stamp));
        }
        all.digest = key.finish();
        all
    }

    /// What is remembered under `subject`, as long as it holds; else `files` are read.
    pub(super) fn load_or_compute(
        state: &StateDir,
        kind: &str,
        subject: &str,
        files: impl FnOnce() -> Vec<PathBuf>,
    ) -> Self {
        if let Some(known) = state.load::<Self>(kind, subject)
            && known.holds()
        {
            return known;
        }
        let found = Self::new(files());
        if found.is_settled {
            state.save(kind, subject, &found);
        }
        found
    }

    /// Whether no file was written since.
    pub(super) fn holds(&self) -> bool {
        self.files
            .iter()
            .all(|(path, stamp)| FileStamp::of(path).as_ref() == Some(stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sccfg_util::fsio;

    #[test]
    fn a_digest_holds_until_its_file_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        fsio::replace(&file, b"one").unwrap();
        let stamped = CachedDigest::new([file.clone(), directory.path().join("missing")]);
        assert!(stamped.holds());
        fsio::replace(&file, b"more").unwrap();
        assert!(!stamped.holds());
        assert_ne!(stamped.digest, CachedDigest::new([file]).digest);
    }

    /// Writes into the same file.
    #[allow(clippy::disallowed_methods, reason = "as others do it")]
    fn write_over(file: &std::path::Path, text: &str) -> std::io::Result<()> {
        std::fs::write(file, text)
    }

    #[test]
    fn a_kept_time_hides_no_write() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        fsio::write_output(&file, b"one").unwrap();
        let stamped = CachedDigest::new([file.clone()]);
        let time = std::fs::metadata(&file).unwrap().modified().unwrap();
        let before = FileStamp::of(&file);
        // The clock that stamps files goes by ticks.
        while FileStamp::of(&file) == before {
            write_over(&file, "two").unwrap();
            let file = std::fs::File::options().write(true).open(&file).unwrap();
            file.set_modified(time).unwrap();
        }
        assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), time);
        assert!(!stamped.holds());
    }

    #[test]
    fn what_was_just_written_is_read_again_next_time() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::at(&directory.path().join("state"));
        let file = directory.path().join("f");
        fsio::write_output(&file, b"one").unwrap();
        let known = || {
            CachedDigest::load_or_compute(&state, "compilers", "f", || vec![file.clone()]).digest
        };
        let before = known();
        write_over(&file, "two").unwrap();
        assert_ne!(known(), before);
    }
}
