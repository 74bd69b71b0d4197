//! The wrapper's state directory below the user's cache directory. Everything in it can be computed again.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ignore::WalkBuilder;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::build_dir;
use super::build_dir::wrapper_dir;
use super::digest::{self, KeyedHasher};
use local_store::Store;
use sccfg_util::fsio::{KeyLock, Obstacle};
use sccfg_util::wrapper_vars;
use sccfg_util::{env, fsio};

/// The version of the format of saved values and of cache entries. Part of all keys.
pub(super) const FORMAT: &str = "31";

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a file is kept after it was written.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long to wait for another process that computes the same value.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The directories in it: one for each kind of saved values, and those of other modules.
const DIRECTORIES: [&str; 21] = [
    "compilers",
    COMPUTING,
    "directories",
    "effects",
    "generated",
    "inputs",
    "libraries",
    "linkers",
    "locks",
    "machines",
    "names",
    "outages",
    "packages",
    "programs",
    "scripts",
    "shims",
    "sources",
    "store",
    "targets",
    "unknown-inputs",
    "workspaces",
];
/// The number of digits of a digest that name a directory of saved values. With two, a first build created several hundred directories.
const DIGITS: usize = 1;
/// The directory with the locks of values that are being computed.
const COMPUTING: &str = "computing";
/// The files in it.
const FILES: [&str; 3] = ["differences", "hash_key", "pruned"];

/// The hint if the directory cannot be used.
pub const ELSEWHERE: &str = "name another directory in SCCFG_WRAPPER_DIR";

/// The wrapper's state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    directory: PathBuf,
    /// A directory in cargo's build directory, for values that cannot be saved in the state directory.
    out_dir: Option<PathBuf>,
}

/// What was removed of a state directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CleanedState {
    /// Nothing: the directory did not exist.
    #[default]
    Nothing,
    /// The whole directory.
    Directory,
    /// The wrapper's files. Other files are still there.
    OwnFiles,
    /// Nothing: the directory has only other files.
    OnlyOthers,
}

impl StateDir {
    /// `None` without a home directory.
    pub fn find() -> Option<Self> {
        let directory = match wrapper_vars::state_dir() {
            Some(directory) => directory,
            None => env::cache_dir()?.join("wrapper"),
        };
        Some(Self {
            directory,
            out_dir: None,
        })
    }

    /// As [`Self::find`], for a unit. Values that cannot be saved, for example in a sandbox, are saved in cargo's build
    /// directory, which contains `out_dir`. Otherwise each unit would compute the digest of the whole compiler.
    pub(super) fn find_for(out_dir: &Path) -> Option<Self> {
        Some(Self {
            out_dir: Some(out_dir.to_owned()),
            ..Self::find()?
        })
    }

    #[cfg(test)]
    pub(super) fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            out_dir: None,
        }
    }

    /// Its path; it may not exist yet.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its path, to write there; `None` if it is [kept from root](fsio::is_kept_from_root).
    pub(super) fn own_directory(&self) -> Option<&Path> {
        (!fsio::is_kept_from_root(&self.directory)).then_some(&self.directory)
    }

    /// Why this user cannot save values here, if so. The store is not checked.
    pub fn obstacle(&self) -> Option<Obstacle> {
        let kinds = DIRECTORIES.iter().filter(|name| **name != "store");
        let names: Vec<&str> = kinds.chain(&FILES).copied().collect();
        Obstacle::in_and_of(&self.directory, &names)
    }

    pub(super) fn path(&self, kind: &str, name: &str) -> PathBuf {
        path_in(&self.directory, kind, name)
    }

    /// The path at which `name` is saved if the state directory cannot be written to.
    fn path_in_build_directory(&self, kind: &str, name: &str) -> Option<PathBuf> {
        Some(path_in(&self.in_build_directory()?, kind, name))
    }

    fn in_build_directory(&self) -> Option<PathBuf> {
        let out_dir = self.out_dir.as_deref()?;
        let root = build_dir::root(out_dir, None);
        Some(wrapper_dir(root.as_deref().unwrap_or(out_dir)).join("state"))
    }

    /// The path for a library that programs load. If libraries cannot be loaded from the state directory (`noexec`), it is in
    /// cargo's build directory, where build scripts are executed. `None` if that is not possible either.
    pub(super) fn library(&self, directory: &str, name: &str) -> Option<PathBuf> {
        let below = |root: PathBuf| root.join("shims").join(directory);
        let own = below(self.directory.clone());
        let found = if fsio::allows_programs(&own) {
            own
        } else {
            let other = below(self.in_build_directory()?);
            fsio::allows_programs(&other).then_some(other)?
        };
        Some(found.join(name))
    }

    /// The hasher of variables' values, the same for everything that this user builds; a new one if it cannot
    /// be saved.
    pub(super) fn hasher(&self) -> Option<KeyedHasher> {
        let path = self.directory.join("hash_key");
        let read = || KeyedHasher::from_bytes(&fsio::read_bytes(&path)?);
        if let Some(hasher) = read() {
            return Some(hasher);
        }
        let hasher = KeyedHasher::new()?;
        if self.own_directory().is_none() {
            return Some(hasher);
        }
        let create = || match fsio::create_file(&path, hasher.bytes()) {
            // A power cut may have left the file without its content.
            Err(_) if fsio::exists(&path) && read().is_none() => {
                let _lock = self.lock("hash_key");
                match read() {
                    Some(_) => Ok(()),
                    None => fsio::replace(&path, hasher.bytes()),
                }
            }
            created => created,
        };
        let _ = fsio::create_dir_all(&self.directory)
            .and_then(|()| fsio::create_private_dir(&self.directory))
            .and_then(|()| create());
        // Another process may have created it first.
        read().or(Some(hasher))
    }

    /// Removes old files, once a day.
    pub(super) fn prune(&self) {
        let mark = self.directory.join("pruned");
        if fsio::file_age(&mark).is_some_and(|age| age < DAY) {
            return;
        }
        if self.own_directory().is_none() || fsio::replace_and_create_dir(&mark, b"").is_err() {
            return;
        }
        for path in self.outdated() {
            let _ = fsio::remove_file(&path);
        }
    }

    /// The wrapper's files that were not written for 30 days. Other programs' files in the directory are left out.
    pub fn outdated(&self) -> Vec<PathBuf> {
        let is_kind = |name: &OsStr| {
            // The store has a limit of its own.
            let is_kept = name == "shims" || name == "store";
            !is_kept && DIRECTORIES.iter().any(|kind| name == *kind)
        };
        WalkBuilder::new(&self.directory)
            .standard_filters(false)
            .filter_entry(move |entry| entry.depth() != 1 || is_kind(entry.file_name()))
            .build()
            .flatten()
            .filter(|entry| entry.depth() == 3 && is_saved(entry.path()))
            .map(ignore::DirEntry::into_path)
            .filter(|path| fsio::file_age(path).is_some_and(|age| age > KEPT))
            .collect()
    }

    /// Removes the wrapper's files, and the directory if it is empty then. A variable may name a directory that other programs
    /// use, which may even contain directories with the same names.
    pub(super) fn clean(&self) -> io::Result<CleanedState> {
        let before = self.count_files();
        for name in fsio::names_in(&self.directory) {
            let path = self.directory.join(&name);
            if FILES.contains(&&*name) {
                fsio::remove_file(&path)?;
            } else if DIRECTORIES.contains(&&*name) && fsio::is_plain_dir(&path) {
                match &*name {
                    "store" if Store::new(&path, 0).is_foreign() => {}
                    "store" | "outages" => fsio::remove_dir(&path)?,
                    "locks" | COMPUTING => clean_locks(&path)?,
                    "shims" => clean_shims(&path)?,
                    _ => clean_kind(&path)?,
                }
            }
        }
        let was_there = fsio::exists(&self.directory);
        fsio::remove_if_empty(&self.directory)?;
        let is_there = fsio::exists(&self.directory);
        Ok(match (was_there, is_there) {
            (true, false) => CleanedState::Directory,
            _ if self.count_files() < before => CleanedState::OwnFiles,
            (_, true) => CleanedState::OnlyOthers,
            (false, false) => CleanedState::Nothing,
        })
    }

    fn count_files(&self) -> usize {
        WalkBuilder::new(&self.directory)
            .standard_filters(false)
            .build()
            .flatten()
            .count()
    }

    /// The directory of the local store, unless the settings name another.
    pub(super) fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// Loads the value saved under `subject`.
    pub(super) fn load<T: DeserializeOwned>(&self, kind: &str, subject: &str) -> Option<T> {
        self.load_if(kind, subject, |_| true)
    }

    /// Loads the value saved under `subject` for which `is_valid` holds.
    pub(super) fn load_if<T: DeserializeOwned>(
        &self,
        kind: &str,
        subject: &str,
        is_valid: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let name = digest::of(subject.as_bytes());
        let read = |path: PathBuf| -> Option<T> {
            let bytes = fsio::read_bytes(path)?;
            let value = serde_json::from_slice(intact(&bytes)?).ok()?;
            is_valid(&value).then_some(value)
        };
        let other = || read(self.path_in_build_directory(kind, &name)?);
        read(self.path(kind, &name)).or_else(other)
    }

    /// Loads the value saved under `subject` if `is_valid` holds for it. Otherwise computes it, and saves it if `may_be_saved`
    /// holds. Other processes wait for that instead of computing the same value.
    pub(super) fn load_or_compute<T: DeserializeOwned + Serialize>(
        &self,
        kind: &str,
        subject: &str,
        is_valid: impl Fn(&T) -> bool,
        may_be_saved: impl FnOnce(&T) -> bool,
        compute: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let load = || self.load_if(kind, subject, &is_valid);
        if let Some(known) = load() {
            return Some(known);
        }
        let lock = self.lock_in(COMPUTING, &format!("{kind} {subject}"));
        if lock.as_ref().is_none_or(|lock| lock.had_to_wait)
            && let Some(known) = load()
        {
            return Some(known);
        }
        let found = compute()?;
        if may_be_saved(&found) {
            self.save(kind, subject, &found);
        }
        Some(found)
    }

    /// The lock for `subject`. Waits if another process holds it for the same subject; `None` if that takes too long, if it is
    /// held for another subject, or if the directory cannot be written to.
    pub(super) fn lock(&self, subject: &str) -> Option<KeyLock> {
        self.lock_in("locks", subject)
    }

    fn lock_in(&self, directory: &str, subject: &str) -> Option<KeyLock> {
        let directory = self.own_directory()?.join(directory);
        let name = digest::of(subject.as_bytes());
        let create = || fsio::create_dir_all(&directory);
        fsio::lock_key(&directory, &name, LONGEST_WAIT, create).ok()?
    }

    /// Saves `value`, if that is possible.
    pub(super) fn save<T: Serialize>(&self, kind: &str, subject: &str, value: &T) {
        debug_assert!(DIRECTORIES.contains(&kind), "{kind} is not in DIRECTORIES");
        let name = digest::of(subject.as_bytes());
        let Ok(text) = serde_json::to_vec(value) else {
            return;
        };
        let mut bytes = checksum(&text);
        bytes.extend(text);
        let save = |directory| {
            fsio::replace_and_create_dir(&path_in(directory, kind, &name), &bytes).is_ok()
        };
        let is_saved = self.own_directory().is_some_and(save);
        if !is_saved && let Some(path) = self.path_in_build_directory(kind, &name) {
            let _ = fsio::replace_and_create_dir(&path, &bytes);
        }
    }
}

fn path_in(directory: &Path, kind: &str, name: &str) -> PathBuf {
    let mut path = directory.join(kind);
    path.push(name.get(..DIGITS).unwrap_or("__"));
    path.push(name);
    path
}

/// The first line of a file with `text`. Without a checksum, a file that the disk damaged might still parse.
fn checksum(text: &[u8]) -> Vec<u8> {
    format!("{:08x}\n", crc32fast::hash(text)).into_bytes()
}

/// The text of a file without its checksum, if the checksum is right.
fn intact(bytes: &[u8]) -> Option<&[u8]> {
    let (line, text) = bytes.split_at_checked(9)?;
    (line == checksum(text)).then_some(text)
}

/// Removes the saved values in the directory of a kind.
fn clean_kind(directory: &Path) -> io::Result<()> {
    for half in subdirectories(directory)? {
        for file in fsio::entries(&half)? {
            if is_saved(&file.path) {
                fsio::remove_file(&file.path)?;
            }
        }
        fsio::remove_if_empty(&half)?;
    }
    fsio::remove_if_empty(directory)
}

/// Removes the files of locks, which are named after the start of a digest.
fn clean_locks(directory: &Path) -> io::Result<()> {
    for file in fsio::entries(directory)? {
        let is_lock =
            file.name.len() == 3 && file.name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_lock {
            fsio::remove_file(&file.path)?;
        }
    }
    fsio::remove_if_empty(directory)
}

/// Removes the shims and the observers, whose directories are named after digests.
fn clean_shims(directory: &Path) -> io::Result<()> {
    for of_one in subdirectories(directory)? {
        let name = of_one
            .file_name()
            .and_then(OsStr::to_str)
            .unwrap_or_default();
        let digest = name.strip_prefix("observer-").unwrap_or(name);
        if digest.len() >= 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            fsio::remove_dir(&of_one)?;
        }
    }
    fsio::remove_if_empty(directory)
}

fn subdirectories(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fsio::entries(directory)?.into_iter();
    let directories = entries.filter(|entry| entry.kind == fsio::EntryKind::Directory);
    Ok(directories.map(|entry| entry.path).collect())
}

/// Whether a file has a name as [`StateDir::path`] creates it, or is a temporary file of the wrapper. Other programs may use
/// the directory as well.
fn is_saved(path: &Path) -> bool {
    let bytes_of = |path: Option<&Path>| -> Vec<u8> {
        let name = path.and_then(Path::file_name).unwrap_or_default();
        name.as_encoded_bytes().to_owned()
    };
    let (name, above) = (bytes_of(Some(path)), bytes_of(path.parent()));
    // Earlier versions used two digits.
    let is_ours = matches!(above.len(), DIGITS | 2)
        && above.iter().all(u8::is_ascii_hexdigit)
        && (name.starts_with(&above) || name.starts_with(b".tmp"));
    is_ours && fsio::share::version(path).is_some()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn concurrent_computations_wait_for_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::at(&directory.path().join("state"));
        let calls = AtomicUsize::new(0);
        let (started, starts) = channel();
        let compute = || {
            calls.fetch_add(1, Ordering::Relaxed);
            started.send(()).unwrap();
            thread::sleep(Duration::from_millis(200));
            Some("found".to_owned())
        };
        let always = |_: &String| true;
        let ask = || state.load_or_compute("compilers", "rustc", always, always, compute);
        thread::scope(|scope| {
            let mut asking = vec![scope.spawn(ask)];
            starts.recv().unwrap();
            asking.extend((0..3).map(|_| scope.spawn(ask)));
            for one in asking {
                assert_eq!(one.join().unwrap().as_deref(), Some("found"));
            }
        });
        assert_eq!(calls.into_inner(), 1);
    }

    /// As `~/.cache`, if a variable names that.
    #[test]
    fn old_files_of_other_programs_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::at(directory.path());
        state.save("sources", "old", &1);
        state.save("sources", "new", &1);
        let path = |subject: &str| state.path("sources", &digest::of(subject.as_bytes()));
        let others = ["go-build/00/00d1-d", "ab/ab/abcd", "store/ab/abcd"];
        let others = others.map(|name| directory.path().join(name));
        for other in &others {
            fsio::replace_and_create_dir(other, b"mine").unwrap();
        }
        let long_ago = SystemTime::now() - KEPT - DAY;
        for old in [&path("old")].into_iter().chain(&others) {
            fsio::share::set_modified(old, long_ago).unwrap();
        }
        assert_eq!(state.outdated(), [path("old")]);
        state.prune();
        assert!(!fsio::exists(&path("old")));
        assert!(fsio::exists(&path("new")));
        assert!(others.iter().all(|other| fsio::exists(other)));
    }
}
