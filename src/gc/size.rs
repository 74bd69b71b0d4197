//! The space that a removal frees.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use sccfg_util::fsio::{self, EntryKind, Stat};

/// The files to remove. A file with several hard links is freed with the last one.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The number of counted hard links of each file.
    names: HashMap<(u64, u64), u64>,
}

/// The contents of some files and directories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// Bytes on the disk that are freed, in addition to the previously counted files. Blocks that the file system shares with other
    /// files (clones) are counted as well.
    pub(super) freed: u64,
    /// The number of files.
    pub(super) files: u64,
    /// A file of another user.
    pub(super) of_another_user: Option<PathBuf>,
    /// A mount point.
    pub(super) mount_point: Option<PathBuf>,
}

impl Tally {
    /// Counts `paths` and everything below them.
    ///
    /// # Errors
    /// When something cannot be read.
    pub(super) fn add(&mut self, paths: &[PathBuf]) -> io::Result<Measured> {
        let mut measured = Measured::default();
        for path in paths {
            let stat = fsio::stat(path)?;
            self.add_one(path, stat, &mut measured)?;
        }
        Ok(measured)
    }

    fn add_one(&mut self, path: &Path, stat: Stat, measured: &mut Measured) -> io::Result<()> {
        if stat.uid != fsio::current_uid() {
            measured
                .of_another_user
                .get_or_insert_with(|| path.to_owned());
        }
        if !stat.is_dir {
            measured.files += 1;
            let names = self.names.entry(stat.inode).or_default();
            *names += 1;
            if *names == stat.links {
                measured.freed += stat.occupied;
            }
            return Ok(());
        }
        measured.freed += stat.occupied;
        for entry in fsio::entries(path)? {
            let below = fsio::stat(&entry.path)?;
            if entry.kind == EntryKind::Directory && below.inode.0 != stat.inode.0 {
                measured.mount_point.get_or_insert(entry.path);
                continue;
            }
            self.add_one(&entry.path, below, measured)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sccfg_util::fsio::share;

    #[test]
    fn a_file_is_freed_with_its_last_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fsio::replace_and_create_dir(&path("a/file"), &[1; 10_000]).unwrap();
        fsio::create_dir_all(&path("b")).unwrap();
        share::link(&path("a/file"), &path("b/file")).unwrap();
        let own = |name: &str| fsio::stat(&path(name)).unwrap().occupied;
        let mut tally = Tally::default();
        let first = tally.add(&[path("a")]).unwrap();
        assert_eq!((first.freed, first.files), (own("a"), 1));
        let second = tally.add(&[path("b")]).unwrap();
        assert_eq!(second.freed, own("b") + own("a/file"));
        // Both at once.
        let both = Tally::default().add(&[path("a"), path("b")]).unwrap();
        assert_eq!(both.freed, first.freed + second.freed);
    }
}
