//! A lock for reading a file, editing it and replacing it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{
    Locking, create_dir_all, exists, is_at, link_target, lock_holders, lock_while, parent,
    remove_if_empty,
};
use crate::problem::Problem;

/// How long another process may take for its edit.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The lock of a file's directory. It is released when it is dropped or its process exits. An edit replaces the file, so a lock
/// of the file itself would be a lock of the old file.
#[derive(Debug, Default)]
pub struct EditLock {
    /// Directories that were created, the innermost first.
    made: Vec<PathBuf>,
    directory: Option<(PathBuf, File)>,
}

impl EditLock {
    /// The directory that is locked.
    pub fn directory(&self) -> Option<&Path> {
        Some(&self.directory.as_ref()?.0)
    }
}

impl Drop for EditLock {
    fn drop(&mut self) {
        // A directory is empty if no file was written to it.
        for directory in &self.made {
            let _ = remove_if_empty(directory);
        }
    }
}

/// The directory of the file at `path`, links followed.
pub fn directory_of_edit(path: &Path) -> PathBuf {
    parent(&link_target(path).unwrap_or_else(|| path.to_owned())).to_owned()
}

/// Waits until no other process edits a file in `directory`, which is created if it is missing. Where that is not possible, or
/// the file system has no locks, nothing is locked.
///
/// # Errors
/// When another process keeps the lock.
pub fn lock_for_edit(directory: &Path) -> Result<EditLock, Problem> {
    loop {
        let missing = directory.ancestors().take_while(|path| !exists(path));
        let mut lock = EditLock {
            made: missing.map(Path::to_owned).collect(),
            directory: None,
        };
        let opened = create_dir_all(directory)
            .and_then(|()| directory.canonicalize())
            .and_then(|real| Ok((File::open(&real)?, real)));
        let Ok((file, real)) = opened else {
            return Ok(lock);
        };
        match lock_while(&file, Locking::Alone, |waited| waited < LONGEST_WAIT) {
            Ok(true) if is_at(&file, &real) => {
                lock.directory = Some((real, file));
                return Ok(lock);
            }
            // The process that created the directory removed it.
            Ok(true) => {}
            Ok(false) => return Err(busy(directory, &file)),
            Err(_) => return Ok(lock),
        }
    }
}

fn busy(directory: &Path, file: &File) -> Problem {
    let by = match lock_holders(file).first() {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    let directory = directory.display();
    Problem::new(format!(
        "could not change a file in {directory}: {by} is changing one there"
    ))
    .hint(format!(
        "run the command again when {by} has ended; continue it if it is suspended"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_made_for_the_lock_and_go_with_it_if_nothing_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/config");
        let lock = || lock_for_edit(&directory_of_edit(&path)).unwrap();
        let held = lock();
        assert!(held.directory().unwrap().ends_with("a/b"));
        std::thread::scope(|scope| {
            let next = scope.spawn(lock);
            drop(held);
            let next = next.join().unwrap();
            assert!(directory.path().join("a/b").exists());
            super::super::replace(&path, b"written").unwrap();
            drop(next);
        });
        assert!(path.exists());
    }

    #[test]
    fn the_directory_of_a_link_is_that_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().canonicalize().unwrap().join("dotfiles");
        super::super::replace_and_create_dir(&real.join("config"), b"").unwrap();
        let link = directory.path().join("config");
        std::os::unix::fs::symlink(real.join("config"), &link).unwrap();
        assert_eq!(directory_of_edit(&link), real);
    }
}
