//! Reasons why a directory for files of builds cannot be used.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;

use super::{current_uid, entries, is_kept_from_root, space};
use crate::posix::quote;

/// The minimum free space, in bytes.
const LEAST: u64 = 1 << 20;

/// The reason why this user cannot use a directory.
#[derive(Debug)]
pub struct Obstacle {
    /// The path with the problem: the directory, an ancestor, or an entry of it.
    path: PathBuf,
    reason: Reason,
    /// The path to `chown -R` to this user. `None` if it may rightly belong to another user.
    taken: Option<PathBuf>,
    /// Whether the rest of the directory can be used.
    pub is_partial: bool,
    /// The number of further entries of the same directory with a problem.
    more: usize,
}

#[derive(Debug)]
enum Reason {
    /// It belongs to the user with this number.
    Owner(u32),
    /// It is not a directory.
    NotADirectory,
    /// It is a dangling symbolic link.
    DanglingLink,
    /// Its mode does not permit it.
    Mode,
    ReadOnly,
    NoInodes,
    NoSpace,
    Other(io::Error),
}

impl Obstacle {
    /// Why this user cannot use `directory`, or cannot create it if it is missing. Determined without writing.
    pub fn of(directory: &Path) -> Option<Self> {
        let (nearest, metadata) = match nearest(directory) {
            Ok(found) => found,
            Err(obstacle) => return Some(obstacle),
        };
        let is_there = nearest == directory;
        let is_of_other = is_there && metadata.uid() != current_uid();
        if is_of_other || is_kept_from_root(directory) {
            return Some(Self::owner(nearest, is_there));
        }
        let needed = if is_there {
            Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK
        } else {
            Access::WRITE_OK | Access::EXEC_OK
        };
        match rustix::fs::access(nearest, needed) {
            Ok(()) => {}
            Err(Errno::ACCESS) => return Some(Self::forbidden(nearest, is_there)),
            Err(Errno::ROFS) => return Some(Self::new(nearest, Reason::ReadOnly)),
            Err(error) => return Some(Self::new(nearest, Reason::Other(error.into()))),
        }
        let space = space(nearest)?;
        if space.has_no_inodes {
            return Some(Self::new(nearest, Reason::NoInodes));
        }
        // `/proc` and other virtual file systems have no total space.
        let is_full = space.total > 0 && space.free < LEAST;
        is_full.then(|| Self::new(nearest, Reason::NoSpace))
    }

    /// As [`Self::of`], or an entry of `directory` that this user cannot use: one of the files and directories with these
    /// `names`, or an entry of such a directory. Deeper levels are not checked.
    pub fn in_and_of(directory: &Path, names: &[&str]) -> Option<Self> {
        if let Some(obstacle) = Self::of(directory) {
            return Some(obstacle);
        }
        let mut found = names.iter().flat_map(|name| {
            let path = directory.join(name);
            if let Some(obstacle) = Self::at(&path, directory) {
                return vec![obstacle];
            }
            let inside = entries(&path).unwrap_or_default().into_iter();
            let inside = inside.filter_map(|entry| Self::at(&entry.path, directory));
            inside.collect()
        });
        let mut first = found.next()?;
        first.is_partial = true;
        first.more = found.count();
        Some(first)
    }

    /// Why this user cannot use the file or directory at `path`, if it exists. Files may be read-only.
    fn at(path: &Path, directory: &Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        // Root may write to files of other users.
        let is_root = current_uid() == 0;
        if metadata.uid() != current_uid() && !is_root {
            return Some(Self {
                taken: Some(directory.to_owned()),
                ..Self::new(path, Reason::Owner(metadata.uid()))
            });
        }
        let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
        let is_closed = metadata.is_dir() && rustix::fs::access(path, all).is_err();
        is_closed.then(|| Self::new(path, Reason::Mode))
    }

    fn new(path: &Path, reason: Reason) -> Self {
        Self {
            path: path.to_owned(),
            reason,
            taken: None,
            is_partial: false,
            more: 0,
        }
    }

    /// The obstacle that this user may not use the directory at `path`: the wanted one, or an ancestor.
    fn forbidden(path: &Path, is_wanted: bool) -> Self {
        let owner = fs::metadata(path).map(|metadata| metadata.uid()).ok();
        if owner == Some(current_uid()) {
            return Self::new(path, Reason::Mode);
        }
        Self::owner(path, is_wanted)
    }

    /// The obstacle that the directory at `path` belongs to another user. The hint is to change the owner of the wanted
    /// directory, or of the first ancestor with that owner below a directory of this user, but not of one such as `/home`.
    fn owner(path: &Path, is_wanted: bool) -> Self {
        let owner = |path: &Path| Some(fs::metadata(path).ok()?.uid());
        if current_uid() == 0 {
            return Self::new(path, owner(path).map_or(Reason::Mode, Reason::Owner));
        }
        let is_of_other = |path: &&Path| owner(path) != Some(current_uid());
        let others: Vec<&Path> = path.ancestors().take_while(is_of_other).collect();
        let is_below_own = others.len() < path.ancestors().count();
        let first = others.last().filter(|_| is_below_own).copied();
        let path = first.unwrap_or(path);
        let reason = owner(path).map_or(Reason::Mode, Reason::Owner);
        Self {
            taken: (is_below_own || is_wanted).then(|| path.to_owned()),
            ..Self::new(path, reason)
        }
    }

    /// What to do about it. `elsewhere` is a clause that tells how to use another directory.
    pub fn hint(&self, elsewhere: &str) -> String {
        let user = current_uid();
        match (&self.reason, &self.taken) {
            (Reason::Owner(_), _) if user == 0 => format!("build as that user, or {elsewhere}"),
            (Reason::Owner(_), Some(taken)) => {
                format!(
                    "give it to this user: sudo chown -R {user} {}",
                    shown(taken)
                )
            }
            (Reason::Mode, _) => format!("chmod u+rwx {}", shown(&self.path)),
            (Reason::NotADirectory | Reason::DanglingLink, _) => {
                format!("move it away, or {elsewhere}")
            }
            (Reason::ReadOnly, _) => format!("mount it to be written to, or {elsewhere}"),
            (Reason::NoInodes, _) => format!("remove files there, or {elsewhere}"),
            (Reason::NoSpace, _) => format!("free some space, or {elsewhere}"),
            (Reason::Owner(_) | Reason::Other(_), _) => elsewhere.to_owned(),
        }
    }
}

/// The obstacle as the end of a sentence: `/home/me/.cache/sccfg belongs to another user (uid 0)`.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Owner(user) => write!(f, "{path} belongs to another user (uid {user})"),
            Reason::NotADirectory => write!(f, "{path} is not a directory"),
            Reason::DanglingLink => write!(f, "{path} is a link to something that does not exist"),
            Reason::Mode => write!(f, "this user may not write to {path}"),
            Reason::ReadOnly => write!(f, "the file system of {path} is mounted read-only"),
            Reason::NoInodes => write!(f, "the file system of {path} has no inodes left"),
            Reason::NoSpace => write!(f, "the file system of {path} has no space left"),
            Reason::Other(error) => write!(f, "{path}: {error}"),
        }?;
        match self.more {
            0 => Ok(()),
            more => write!(
                f,
                ", and {more} more in that directory cannot be used either"
            ),
        }
    }
}

fn shown(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

/// The nearest directory of `directory` and those above it that exists.
fn nearest(directory: &Path) -> Result<(&Path, Metadata), Obstacle> {
    let mut all: Vec<&Path> = directory.ancestors().collect();
    all.retain(|path| !path.as_os_str().is_empty());
    let mut nearest = None;
    for path in all.into_iter().rev() {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => nearest = Some((path, metadata)),
            Ok(_) => return Err(Obstacle::new(path, Reason::NotADirectory)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    return Err(Obstacle::new(path, Reason::DanglingLink));
                }
                break;
            }
            Err(error) => {
                return Err(match nearest {
                    Some((above, _)) if error.kind() == io::ErrorKind::PermissionDenied => {
                        Obstacle::forbidden(above, false)
                    }
                    _ => Obstacle::new(path, Reason::Other(error)),
                });
            }
        }
    }
    nearest.ok_or_else(|| Obstacle::new(directory, Reason::Other(io::ErrorKind::NotFound.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obstacles_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", path("link")).unwrap();
        let said = |name: &str| Obstacle::of(&path(name)).map(|obstacle| obstacle.to_string());
        assert_eq!(said(""), None);
        assert_eq!(said("missing/state"), None);
        let is_file = format!("{} is not a directory", path("file").display());
        assert_eq!(said("file/state"), Some(is_file));
        let link = path("link");
        let leads_nowhere = format!(
            "{} is a link to something that does not exist",
            link.display()
        );
        assert_eq!(said("link/state"), Some(leads_nowhere));
        let hint = Obstacle::of(&link).unwrap().hint("name another one");
        assert_eq!(hint, "move it away, or name another one");
    }
}
