//! Whether a path may have led to another file at an earlier time.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The maximum number of symbolic links in a path (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// Determines for many paths in few directories whether a symbolic link or directory in them may have been replaced at a given
/// time or later. Each directory is checked once.
#[derive(Debug)]
pub struct Exchanged {
    since: SystemTime,
    directories: RefCell<HashMap<PathBuf, bool>>,
}

impl Exchanged {
    /// For replacements at `moment` or later.
    pub fn since(moment: SystemTime) -> Self {
        Self {
            since: moment,
            directories: RefCell::default(),
        }
    }

    /// Whether a symbolic link in the absolute path, or in the target of one, was created since, or a directory in it was
    /// moved, as far as the path exists. The file at its end shows that by its own ctime, unless it is a link. A move changes
    /// the ctime of the moved directory, as each new entry in it does, and of its parent. (Programs can set back the parent's
    /// mtime.) If both have changed, the directory may have been moved.
    pub fn is_on_the_way_to(&self, path: &Path) -> bool {
        // A path without a file name ends in `..`.
        let Some(parent) = path.parent().filter(|_| path.file_name().is_some()) else {
            return self.is_in(path);
        };
        let known = self.directories.borrow().get(parent).copied();
        let is_exchanged = known.unwrap_or_else(|| {
            let is_exchanged = self.is_in(parent);
            let mut known = self.directories.borrow_mut();
            known.insert(parent.to_owned(), is_exchanged);
            is_exchanged
        });
        is_exchanged || path.is_symlink() && self.is_in(path)
    }

    /// Like [`Self::is_on_the_way_to`], with a directory at the end.
    fn is_in(&self, path: &Path) -> bool {
        let mut place = PathBuf::from("/");
        let mut rest = parts_of(path);
        let mut links = 0;
        while let Some(part) = rest.pop() {
            let Some(part) = part else {
                place.pop();
                continue;
            };
            place.push(part);
            let Ok(found) = fs::symlink_metadata(&place) else {
                return false;
            };
            let is_changed = changed(&found) >= self.since;
            if found.is_symlink() {
                links += 1;
                let target = fs::read_link(&place);
                let Some(target) = target.ok().filter(|_| !is_changed && links <= MOST_LINKS)
                else {
                    return true;
                };
                place.pop();
                if target.is_absolute() {
                    place = PathBuf::from("/");
                }
                rest.extend(parts_of(&target));
                continue;
            }
            if is_changed && found.is_dir() && self.is_changed(place.parent()) {
                return true;
            }
        }
        false
    }

    fn is_changed(&self, directory: Option<&Path>) -> bool {
        let found = directory.and_then(|directory| fs::metadata(directory).ok());
        found.is_none_or(|found| changed(&found) >= self.since)
    }
}

/// The ctime of a file, which programs cannot set.
fn changed(found: &fs::Metadata) -> SystemTime {
    let [seconds, nanoseconds] =
        [found.ctime(), found.ctime_nsec()].map(|part| part.try_into().unwrap_or_default());
    UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}

/// The names in a path, the last one first; `None` is `..`.
fn parts_of(path: &Path) -> Vec<Option<OsString>> {
    let parts = path.components().rev();
    parts
        .filter_map(|part| match part {
            Component::Normal(name) => Some(Some(name.to_owned())),
            Component::ParentDir => Some(None),
            _ => None,
        })
        .collect()
}

/// Whether `path` is a directory created at `moment` or later, or is missing and may have been removed since: the nearest existing
/// ancestor was modified. False for existing files, whose own times show a change.
pub fn may_have_come_or_gone_since(path: &Path, moment: SystemTime) -> bool {
    if let Ok(found) = fs::metadata(path) {
        // False if the file system does not store the creation time.
        return found.is_dir() && found.created().is_ok_and(|created| created >= moment);
    }
    let mut above = path.ancestors().skip(1);
    let around = above.find_map(|directory| fs::metadata(directory).ok());
    around.is_some_and(|found| found.modified().is_ok_and(|time| time >= moment))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Longer than a tick of the clock of a file system.
    const TICK: Duration = Duration::from_millis(30);

    #[test]
    fn replaced_links_and_directories_are_distinguished_from_new_files() {
        let directory = tempfile::tempdir().unwrap();
        // Other processes may create files beside the temporary directory meanwhile.
        let root = directory.path().canonicalize().unwrap().join("root");
        for name in ["a/b/c", "other/c", "by-link/c"] {
            fs::create_dir_all(root.join(name)).unwrap();
            fs::write(root.join(name).join("file"), "").unwrap();
        }
        symlink("by-link", root.join("link")).unwrap();
        symlink(root.join("link"), root.join("chain")).unwrap();
        symlink("../by-link/c/file", root.join("other/to-file")).unwrap();
        let paths = [
            "a/b/c/file",
            "a/b/c",
            "chain/c/file",
            "other/../chain/c",
            "other/to-file",
        ];
        let exchanged = |change: &dyn Fn(&Path)| {
            thread::sleep(TICK);
            let since = SystemTime::now();
            thread::sleep(TICK);
            change(&root);
            let exchanged = Exchanged::since(since);
            let is_exchanged = |path: &&str| exchanged.is_on_the_way_to(&root.join(path));
            paths
                .iter()
                .copied()
                .filter(is_exchanged)
                .collect::<Vec<_>>()
        };
        let exchange = |one: &Path, other: &Path, between: &Path| {
            fs::rename(one, between).unwrap();
            fs::rename(other, one).unwrap();
            fs::rename(between, other).unwrap();
        };
        let no_paths: [&str; 0] = [];
        assert_eq!(exchanged(&|_| ()), no_paths);
        assert_eq!(
            exchanged(&|root| {
                fs::write(root.join("new"), "").unwrap();
                fs::write(root.join("a/b/c/new"), "").unwrap();
                fs::write(root.join("by-link/c/file"), "changed").unwrap();
            }),
            no_paths
        );
        for sets_times_back in [false, true] {
            assert_eq!(
                exchanged(&|root| {
                    exchange(
                        &root.join("a/b"),
                        &root.join("other"),
                        &root.join("between"),
                    );
                    for parent in [root, &root.join("a")] {
                        if sets_times_back {
                            let parent = fs::File::open(parent).unwrap();
                            parent.set_modified(UNIX_EPOCH).unwrap();
                        }
                    }
                }),
                ["a/b/c/file", "a/b/c", "other/../chain/c", "other/to-file"]
            );
        }
        assert_eq!(
            exchanged(&|root| {
                let (link, new) = (root.join("link"), root.join("new-link"));
                symlink("other", &new).unwrap();
                fs::rename(new, link).unwrap();
            }),
            ["chain/c/file", "other/../chain/c"]
        );
    }
}
