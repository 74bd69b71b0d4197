//! All filesystem access goes through this module.

#![allow(clippy::disallowed_methods, reason = "the one module with this access")]

mod commit;
mod edit_lock;
mod key_lock;
mod lock;
mod memory_file;
mod metadata;
mod obstacle;
mod path_changes;
mod read;
mod real_paths;
pub mod share;
mod space;
mod stat_files;
mod tree;
mod write;

pub use commit::{Change, Links, NewFileMode, commit};
pub use edit_lock::{EditLock, directory_of_edit, lock_for_edit};
pub use key_lock::{KeyLock, lock_key};
pub use lock::{
    Locking, create_lock_file, is_at, is_locked, lock_for_children, lock_holders, lock_while,
    open_lock_file, share_lock_for_children, try_lock, try_share_lock, write_lock_file,
};
pub use memory_file::MemoryFile;
pub use metadata::{
    FileId, Stat, check_dir, current_uid, exists, file_age, file_id, file_kind, file_size,
    has_executable_mode, inode_text, is_executable, is_kept_from_root, is_missing, is_own_dir,
    is_plain_dir, is_readable_by_others, is_writable, link_target, mode_of_dir, modified,
    newest_file_in, owner_uid, read_link, set_mode_of_dir, stat, times_text,
};
pub use obstacle::Obstacle;
pub use path_changes::{Exchanged, may_have_come_or_gone_since};
pub use read::{
    directories_in, names_in, numbers_in, open, open_stderr_of, read, read_artifact, read_bytes,
    read_bytes_from, read_text,
};
pub(crate) use read::{open_fifo_to_read, open_fifo_to_write};
pub use real_paths::RealPaths;
pub use space::{
    DirState, Directory, Space, allows_programs, device, inspect_dir, is_on_nfs, mount,
    network_file_system, space,
};
pub use stat_files::{FileStat, StatFile, stat_files};
pub use tree::{
    Entry, EntryKind, copy, copy_dir, create_dir_all, create_private_dir, create_unique_dir,
    entries, remove_dir, remove_file, remove_if_empty, remove_read_only_dir, unnamed_file_in,
};
pub use write::{
    Patcher, append, append_record, create_copy, create_empty_file, create_file, create_link,
    create_output, move_output, rename, rename_link, replace, replace_and_create_dir, replace_link,
    set_mode, set_mode_of_output, umask, write_executable, write_output, write_output_with,
};

use std::io;
use std::path::Path;

use crate::problem::Problem;

/// The directory of the Nix store. Files in it never change.
pub const NIX_STORE: &str = "/nix/store";

/// The directory of a file; `.` for a plain name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn with_io_hint(problem: Problem, error: &io::Error) -> Problem {
    match hint_for(error) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// What to do about an error of the file system.
pub fn hint_for(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::PermissionDenied => "check the owner and mode of the file and its directory",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: free some space, then run the command again"
        }
        io::ErrorKind::ReadOnlyFilesystem => "the file system is mounted read-only",
        io::ErrorKind::NotFound => "check the path, and that its directory exists",
        io::ErrorKind::NotADirectory => "a part of the path is a file, not a directory",
        io::ErrorKind::IsADirectory => "there is a directory at this path; a file belongs there",
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            "the symbolic link points to itself; remove it"
        }
        _ => return None,
    })
}

/// The error of a function that creates a temporary file, without the path of that file, which nobody knows.
fn without_temporary_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path \"") {
        Some((what, _)) => io::Error::new(error.kind(), what.to_owned()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn only_regular_files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        for path in [&*pipe, Path::new("/dev/zero"), directory.path()] {
            assert_eq!(read_bytes(path), None, "{}", path.display());
            assert_eq!(read_artifact(path), None, "{}", path.display());
            assert!(read(path).is_err(), "{}", path.display());
        }
        assert!(read_bytes("/proc/self/stat").is_some_and(|text| !text.is_empty()));
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path);
        // A sparse file takes no space.
        file.unwrap().set_len((64 << 20) + 1).unwrap();
        let what = read(&path).unwrap_err().what;
        assert!(
            what.ends_with("file too large (67108865 bytes, limit 64 MiB)"),
            "{what}"
        );
        assert_eq!(read_bytes(&path), None);
    }

    #[test]
    fn an_output_replaces_another_atomically() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let directory = tempfile::tempdir().unwrap();
        let [path, linked] = ["a.d", "other"].map(|name| directory.path().join(name));
        write_output(&path, b"old").unwrap();
        fs::hard_link(&path, &linked).unwrap();
        write_output(&path, b"new").unwrap();
        assert_eq!(read_bytes(&path).unwrap(), b"new");
        assert_eq!(read_bytes(&linked).unwrap(), b"old");
        assert_eq!(names_in(directory.path()), ["a.d", "other"]);
        // The mode of any other new file.
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(directory.path().join("x"))
            .unwrap();
        let mode = |name: &str| fs::metadata(directory.path().join(name)).unwrap().mode() & 0o777;
        assert_eq!(mode("a.d"), mode("x"));
        fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).unwrap();
        if !is_writable(directory.path()) {
            assert!(write_output(&path, b"newer").is_err());
            assert_eq!(read_bytes(&path).unwrap(), b"new");
        }
        fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_link_to_itself_has_a_hint() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("loop");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        let problem = read(&link).unwrap_err();
        assert!(problem.hint.unwrap().contains("points to itself"));
    }
}
