//! Digests of files, valid until one of the files changes.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::digest::{self, FileStamp, Key};
use super::state_dir::StateDir;
use sccfg_util::parallel::each_at_once;

/// The maximum number of threads that read files.
const THREADS: usize = 4;

/// A digest of files, with stamps that show whether they have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CachedDigest {
    /// `None` for a file that does not exist or cannot be read: the digest changes when it appears.
    files: Vec<(PathBuf, Option<FileStamp>)>,
    /// Whether any later write changes a stamp; otherwise the digest must not be saved.
    #[serde(skip)]
    pub(super) is_settled: bool,
    /// The digest of the names and contents of the files that exist.
    pub(super) digest: String,
}

impl CachedDigest {
    /// Reads `files`.
    pub(super) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut all = Self {
            is_settled: true,
            ..Self::default()
        };
        let now = SystemTime::now();
        let mut key = Key::default();
        let files: Vec<_> = files.into_iter().collect();
        // A compiler has two files of more than 100 MiB, and the first units of a build wait for them.
        let read = each_at_once(&files, THREADS, |path| {
            let stamp = FileStamp::of(path);
            let digest = stamp.as_ref().and_then(|_| digest::of_file(path));
            (stamp, digest)
        });
        for (path, (stamp, digest)) in files.into_iter().zip(read) {
            if let (Some(stamp), Some(digest)) = (&stamp, digest) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                key.add(name, digest);
                all.is_settled &= stamp.is_settled_at(now);
            }
            all.files.push((path, stamp));
        }
        all.digest = key.finish();
        all
    }

    /// Loads the digest saved under `subject` while it is valid; otherwise reads `files` and saves it.
    pub(super) fn load_or_compute(
        state: &StateDir,
        kind: &str,
        subject: &str,
        files: impl FnOnce() -> Vec<PathBuf>,
    ) -> Self {
        let may_be_saved = |found: &Self| found.is_settled;
        let compute = || Some(Self::new(files()));
        let found = state.load_or_compute(kind, subject, Self::is_valid, may_be_saved, compute);
        found.unwrap_or_default()
    }

    /// The paths of the files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Whether no file has changed.
    pub(super) fn is_valid(&self) -> bool {
        self.files
            .iter()
            .all(|(path, stamp)| FileStamp::of(path) == *stamp)
    }
}

/// The minimum size of a file whose digest is saved, in bytes. Hashing a smaller file is faster than reading the saved digest.
const WORTH_SAVING: u64 = 4 << 20;

/// The digest of the content of the file at `path`, which is saved if the file is large. `None` if it cannot be read.
pub(super) fn of_file(path: &Path, state: &StateDir) -> Option<String> {
    if path.metadata().ok()?.len() < WORTH_SAVING {
        return digest::of_file(path);
    }
    let now = SystemTime::now();
    let stamp = FileStamp::of(path)?;
    let is_valid = |(of, _): &(FileStamp, String)| *of == stamp;
    let may_be_saved = |(of, _): &(FileStamp, String)| of.is_settled_at(now);
    let compute = || Some((stamp.clone(), digest::of_file(path)?));
    let subject = format!("content of {}", path.display());
    let found = state.load_or_compute("libraries", &subject, is_valid, may_be_saved, compute);
    found.map(|(_, digest)| digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sccfg_util::fsio;

    #[test]
    fn a_digest_is_valid_until_its_file_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        fsio::replace(&file, b"one").unwrap();
        let digest = CachedDigest::new([file.clone(), directory.path().join("missing")]);
        assert!(digest.is_valid());
        fsio::replace(&file, b"more").unwrap();
        assert!(!digest.is_valid());
        assert_ne!(digest.digest, CachedDigest::new([file]).digest);
    }

    /// Writes into the same file.
    #[allow(
        clippy::disallowed_methods,
        reason = "a write in place, which fsio does not offer"
    )]
    fn write_over(file: &std::path::Path, text: &str) -> std::io::Result<()> {
        std::fs::write(file, text)
    }

    #[test]
    fn a_digest_is_invalid_after_a_file_appears() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("libx.so");
        let digest = CachedDigest::new([file.clone()]);
        assert!(digest.is_valid());
        fsio::replace(&file, b"one").unwrap();
        assert!(!digest.is_valid());
        assert_ne!(digest.digest, CachedDigest::new([file]).digest);
    }

    #[test]
    fn a_write_with_a_restored_mtime_is_detected() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        fsio::write_output(&file, b"one").unwrap();
        let digest = CachedDigest::new([file.clone()]);
        let time = std::fs::metadata(&file).unwrap().modified().unwrap();
        let before = FileStamp::of(&file);
        // File times have the granularity of a tick.
        while FileStamp::of(&file) == before {
            write_over(&file, "two").unwrap();
            let file = std::fs::File::options().write(true).open(&file).unwrap();
            file.set_modified(time).unwrap();
        }
        assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), time);
        assert!(!digest.is_valid());
    }

    #[test]
    fn the_digest_of_a_file_that_was_just_written_is_not_saved() {
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
