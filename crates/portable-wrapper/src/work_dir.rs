//! The directories in which units are compiled and results of build scripts are stored or delivered, and the removal of those of
//! interrupted builds.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use super::build_dir::wrapper_dir;
use super::digest::{self, FileStamp};
use super::entry_origin::Origin;
use super::state_dir::DAY;
use super::uncacheable::Uncacheable;
use sccfg_util::clock::since_1970;
use sccfg_util::fsio;
use sccfg_util::proc::running::{self, Start};

/// The name of the directory with all [work directories](WorkDir), in the wrapper's directory.
const ALL: &str = "work";

/// The prefix of the name of a directory that is used by sccache.
const SCCACHE_PREFIX: &str = "asked";

/// The file in a work directory that is locked while the shim compiles there.
pub(super) const LOCK: &str = "lock";

/// The directory in which one unit is compiled, or which has the files of one run of a build script. It is removed on drop.
pub(super) struct WorkDir(pub(super) PathBuf);

impl WorkDir {
    /// A new name in the wrapper's directory below `out_dir`, so that the files can be renamed on the same file system. The
    /// directory is not created, because a hit of the store does not need it.
    pub(super) fn name(out_dir: &Path) -> Self {
        let nanos = since_1970().as_nanos();
        let creator = Creator::this();
        let creator = creator.map(Creator::text).unwrap_or_default();
        // The names are replaced in output, where only letters and digits belong to a name.
        let name = format!("{:08x}{nanos:x}{creator}", std::process::id());
        Self(Self::parent(out_dir).join(name))
    }

    /// Creates a work directory.
    pub(super) fn create(out_dir: &Path) -> Result<Self, Uncacheable> {
        let named = Self::name(out_dir);
        create_work_dir(&named.0)?;
        Ok(named)
    }

    /// The directory of all work directories of units with this output directory.
    pub(super) fn parent(out_dir: &Path) -> PathBuf {
        wrapper_dir(out_dir).join(ALL)
    }

    /// The path of the file `name` of an entry.
    pub(super) fn file(&self, name: &str, origin: Origin) -> PathBuf {
        match origin {
            Origin::Store => restored(&self.0, name),
            Origin::Sccache | Origin::Compiled | Origin::CompiledStale => self.0.join(name),
        }
    }

    /// The separate directory in which sccache writes for the work directory `work`.
    pub(super) fn for_sccache(work: &Path) -> Self {
        let mut name = std::ffi::OsString::from(SCCACHE_PREFIX);
        name.push(work.file_name().unwrap_or_default());
        Self(work.with_file_name(name))
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _ = fsio::remove_read_only_dir(&self.0);
    }
}

/// The path at which the store restores the file `name` for the work directory `work`: in its parent.
pub(super) fn restored(work: &Path, name: &str) -> PathBuf {
    let mut path = work.as_os_str().to_owned();
    path.push(".");
    path.push(name);
    path.into()
}

/// Creates the work directory `work`, if it does not exist, and removes those of interrupted builds.
pub(super) fn create_work_dir(work: &Path) -> Result<(), Uncacheable> {
    if let Some(parent) = work.parent() {
        for left in abandoned_in(parent) {
            let _ = fsio::remove_file(&left).or_else(|_| fsio::remove_read_only_dir(&left));
        }
    }
    fsio::create_dir_all(work).map_err(|_| Uncacheable::NoWorkDir)
}

/// Work directories and restored files of interrupted builds that compiled units with this output directory.
pub fn left_behind(out_dir: &Path) -> Vec<PathBuf> {
    abandoned_in(&WorkDir::parent(out_dir))
}

fn abandoned_in(parent: &Path) -> Vec<PathBuf> {
    let mut left = fsio::names_in(parent);
    left.retain(|name| is_abandoned(&parent.join(name), name));
    left.into_iter().map(|name| parent.join(name)).collect()
}

/// Whether no process uses the file or directory at `path` any more.
fn is_abandoned(path: &Path, name: &str) -> bool {
    let is_gone = Creator::of_name(name).and_then(|creator| creator.is_gone());
    let is_abandoned = if let Some(is_gone) = is_gone {
        is_gone && fsio::owner_uid(path) == Some(fsio::current_uid())
    } else {
        // No compile takes a day. The ctime counts, because a link to a file of the store has an old mtime.
        let yesterday = SystemTime::now() - DAY;
        FileStamp::of(path).is_some_and(|stamp| !stamp.changed_since(yesterday))
    };
    // sccache's server continues a request after the wrapper has ended.
    is_abandoned && !fsio::is_locked(&path.join(LOCK))
}

/// The process that created a work directory, as encoded in the directory's name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Creator {
    pid: u32,
    started: u64,
    /// A short digest of the boot and of the PID and time namespaces, in which `pid` and `started` are valid.
    system: String,
}

impl Creator {
    /// This process; `None` if its start time is not known.
    fn this() -> Option<&'static Self> {
        static THIS: OnceLock<Option<Creator>> = OnceLock::new();
        let find = || {
            let (pid, started) = running::own_start()?;
            let system = digest::of(running::pid_scope()?.as_bytes());
            let system = system.get(..8)?.to_owned();
            Some(Self {
                pid,
                started,
                system,
            })
        };
        THIS.get_or_init(find).as_ref()
    }

    /// The suffix of a name. Its separators are letters other than hexadecimal digits.
    fn text(&self) -> String {
        format!("s{:x}x{}", self.started, self.system)
    }

    /// The creator of a directory with this name, or of a [restored] file with this name.
    fn of_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix(SCCACHE_PREFIX).unwrap_or(name);
        let name = name.split('.').next()?;
        let (front, back) = name.split_once('s')?;
        let (started, system) = back.split_once('x')?;
        Some(Self {
            pid: u32::from_str_radix(front.get(..8)?, 16).ok()?,
            started: u64::from_str_radix(started, 16).ok()?,
            system: system.to_owned(),
        })
    }

    /// Whether it has ended; `None` if that is not known, as for a process in another container.
    fn is_gone(&self) -> Option<bool> {
        let this = Self::this().filter(|this| this.system == self.system)?;
        if self == this {
            return Some(false);
        }
        match running::start_of(self.pid) {
            // An emulator (QEMU) tells a program a later time about itself: that at which it has loaded it.
            Start::At(started) => Some(started > self.started),
            Start::Ended => Some(true),
            Start::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn files_that_another_unit_just_restored_are_not_abandoned() {
        let directory = tempfile::tempdir().unwrap();
        let stored = directory.path().join("stored");
        fsio::replace(&stored, b"").unwrap();
        let long_ago = SystemTime::now() - 3 * DAY - Duration::from_secs(1);
        fsio::share::set_modified(&stored, long_ago).unwrap();
        let work = directory.path().join("work");
        fsio::create_dir_all(&work).unwrap();
        let of_other = restored(&work.join("other"), "libx.rlib");
        std::fs::hard_link(&stored, &of_other).unwrap();
        create_work_dir(&work.join("this")).unwrap();
        assert!(of_other.exists());
    }

    /// The work directory `name` with a file, and a file beside it.
    fn made(out_dir: &Path, name: &str) -> [PathBuf; 3] {
        let work = WorkDir::parent(out_dir).join(name);
        let all = [work.join("libx.rlib"), restored(&work, "libx.rlib")];
        let asked = WorkDir::for_sccache(&work).0.clone();
        let [in_it, beside] = &all;
        // A build script may have made a directory of `OUT_DIR` read-only.
        let in_out_dir = work.join("out/read-only/file");
        for path in [in_it, beside, &asked.join("libx.rlib"), &in_out_dir] {
            fsio::replace_and_create_dir(path, b"").unwrap();
        }
        fsio::set_mode(in_out_dir.parent().unwrap(), 0o500).unwrap();
        [work, beside.clone(), asked]
    }

    #[test]
    fn work_directories_of_an_ended_process_are_removed() {
        let Some(this) = Creator::this() else {
            return;
        };
        let directory = tempfile::tempdir().unwrap();
        let out_dir = directory.path();
        #[allow(clippy::disallowed_methods, reason = "it is killed")]
        let mut other = std::process::Command::new("sleep")
            .arg("600")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let Start::At(started) = running::start_of(other.id()) else {
            panic!("it runs");
        };
        let of = |started: u64, system: &str| {
            let creator = Creator {
                pid: other.id(),
                started,
                system: system.to_owned(),
            };
            format!("{:08x}abc{}", creator.pid, creator.text())
        };
        let in_use = made(out_dir, &of(started, &this.system));
        let of_emulated_one = made(out_dir, &of(started + 2, &this.system));
        let of_earlier_one = made(out_dir, &of(started - 1, &this.system));
        let of_container = made(out_dir, &of(started, "01234567"));
        let of_earlier_version = made(out_dir, &format!("{:08x}abc", other.id()));
        let are_there = |paths: &[PathBuf]| paths.iter().all(|path| path.exists());
        assert_eq!(left_behind(out_dir).len(), of_earlier_one.len());
        let own = WorkDir::create(out_dir).unwrap();
        assert!(!of_earlier_one.iter().any(|path| path.exists()));
        assert!(are_there(&of_emulated_one));
        other.kill().unwrap();
        // The process is a zombie: its parent has not waited for it yet.
        while running::start_of(other.id()) != Start::Ended {
            std::thread::sleep(Duration::from_millis(5));
        }
        let lock = fsio::create_lock_file(&in_use[2].join(LOCK)).unwrap();
        lock.lock().unwrap();
        let next = WorkDir::create(out_dir).unwrap();
        assert!(!in_use[0].exists() && !in_use[1].exists() && in_use[2].exists());
        drop(lock);
        // A child that another test has just forked has the file open until it runs its program.
        while fsio::is_locked(&in_use[2].join(LOCK)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(left_behind(out_dir), [in_use[2].clone()]);
        assert!(own.0.exists() && next.0.exists());
        assert!(are_there(&of_container) && are_there(&of_earlier_version));
        other.wait().unwrap();
    }
}
