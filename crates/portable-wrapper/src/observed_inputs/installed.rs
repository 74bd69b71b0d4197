//! Stamps of files in directories of system packages, in which users may install files by hand. They are part of the keys of scripts
//! of the workspace, whose results stay on this machine.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Size, mtime, ctime and inode of the file at `path`.
pub(super) fn stamp(path: &Path) -> String {
    let Ok(found) = path.metadata() else {
        return "missing".to_owned();
    };
    if found.is_dir() {
        return "directory".to_owned();
    }
    format!(
        "{} bytes, written {}.{:09}, changed {}.{:09}, number {}",
        found.len(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
        found.ino()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use sccfg_util::fsio;

    #[test]
    fn a_file_that_is_replaced_has_another_stamp() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("tool");
        assert_eq!(stamp(&file), "missing");
        fsio::replace(&file, b"one").unwrap();
        let first = stamp(&file);
        assert_eq!(stamp(&file), first);
        fsio::replace(&file, b"two").unwrap();
        assert_ne!(stamp(&file), first);
        assert_eq!(stamp(directory.path()), "directory");
    }
}
