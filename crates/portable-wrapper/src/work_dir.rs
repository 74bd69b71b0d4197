//! The directories in which units are compiled, and what interrupted builds have left of them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::build_dir::wrapper_dir;
use super::digest::{self, FileStamp};
use super::lookup::Origin;
use super::state_dir::DAY;
use super::uncacheable::Uncacheable;
use sccfg_util::fsio;
use sccfg_util::proc::running::{self, Start};

/// The name of a directory with [work directories](WorkDir), in that of the wrapper.
const ALL: &str = "work";

/// In front of the name of a directory in which sccache is asked.
const ASKED: &str = "asked";

/// The file in a work directory that is locked while the shim compiles there.
pub(super) const LOCK: &str = "lock";

/// The directory in which one unit is compiled; removed at the end.
pub(super) struct WorkDir(pub(super) PathBuf);

impl WorkDir {
    /// Names one in the wrapper's directory below `out_dir`: on the same file system, so that the files
    /// only have to be renamed. It is created where something is compiled: a hit of the store needs none.
    pub(super) fn name(out_dir: &Path) -> Self {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = nanos.unwrap_or_default().as_nanos();
        let maker = Maker::this();
        let maker = maker.map(Maker::text).unwrap_or_default();
        // Others look for the end of letters and digits.
        let name = format!("{:08x}{nanos:x}{maker}", std::process::id());
        Self(Self::parent(out_dir).join(name))
    }

    /// Creates one.
    pub(super) fn create(out_dir: &Path) -> Result<Self, Uncacheable> {
        let named = Self::name(out_dir);
        create_work_dir(&named.0)?;
        Ok(named)
    }

    /// The directory of all work directories of units with this output directory.
    pub(super) fn parent(out_dir: &Path) -> PathBuf {
        wrapper_dir(out_dir).join(ALL)
    }

    /// Where the file `name` of an entry is.
    pub(super) fn file(&self, name: &str, origin: Origin) -> PathBuf {
        match origin {
            Origin::Store => restored(&self.0, name),
            Origin::Sccache | Origin::Compiled | Origin::CompiledStale => self.0.join(name),
        }
    }

    /// Where sccache writes for this one: beside it.
    pub(super) fn asked(work: &Path) -> Self {
        let mut name = std::ffi::OsString::from(ASKED);
        name.push(work.file_name().unwrap_or_default());
        Self(work.with_file_name(name))
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _ = fsio::remove_dir(&self.0);
    }
}

/// Where the store restores the file `name` for the work directory `work`: beside it.
pub(super) fn restored(work: &Path, name: &str) -> PathBuf {
    let mut path = work.as_os_str().to_owned();
    path.push(".");
    path.push(name);
    path.into()
}

/// Creates a work directory that was [named](WorkDir::name), if it does not exist, and removes what interrupted builds
/// have left beside it.
pub(super) fn create_work_dir(work: &Path) -> Result<(), Uncacheable> {
    if let Some(parent) = work.parent() {
        for left in left_in(parent) {
            let _ = fsio::remove_file(&left).or_else(|_| fsio::remove_dir(&left));
        }
    }
    fsio::create_dir_all(work).map_err(|_| Uncacheable::NoWorkDir)
}

/// What interrupted builds have left that compiled units with this output directory.
pub fn left_behind(out_dir: &Path) -> Vec<PathBuf> {
    left_in(&WorkDir::parent(out_dir))
}

fn left_in(parent: &Path) -> Vec<PathBuf> {
    let mut left = fsio::names_in(parent);
    left.retain(|name| is_left(&parent.join(name), name));
    left.into_iter().map(|name| parent.join(name)).collect()
}

/// Whether no process uses the file or directory at `path` any more.
fn is_left(path: &Path, name: &str) -> bool {
    let is_gone = Maker::of_name(name).and_then(|maker| maker.is_gone());
    let is_left = if let Some(is_gone) = is_gone {
        is_gone && fsio::owner_uid(path) == Some(fsio::current_uid())
    } else {
        // No compile takes a day. A link to a file of the store has its old time.
        let yesterday = SystemTime::now() - DAY;
        FileStamp::of(path).is_some_and(|stamp| !stamp.changed_since(yesterday))
    };
    // A server of sccache goes on without the wrapper that has asked it.
    is_left && !fsio::is_locked(&path.join(LOCK))
}

/// The process that has made a work directory, as the name of the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Maker {
    pid: u32,
    started: u64,
    /// A short digest of the boot and of the PID and time namespaces, in which `pid` and `started` are valid.
    system: String,
}

impl Maker {
    /// This process; `None` if the system does not say when it began.
    fn this() -> Option<&'static Self> {
        static THIS: OnceLock<Option<Maker>> = OnceLock::new();
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

    /// How a name ends. The letters are no hexadecimal digits.
    fn text(&self) -> String {
        format!("s{:x}x{}", self.started, self.system)
    }

    /// Of a directory with this name, or of a file [beside](restored) one.
    fn of_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix(ASKED).unwrap_or(name);
        let name = name.split('.').next()?;
        let (front, back) = name.split_once('s')?;
        let (started, system) = back.split_once('x')?;
        Some(Self {
            pid: u32::from_str_radix(front.get(..8)?, 16).ok()?,
            started: u64::from_str_radix(started, 16).ok()?,
            system: system.to_owned(),
        })
    }

    /// Whether it has ended; `None` if that cannot be known, as of a process in another container.
    fn is_gone(&self) -> Option<bool> {
        let this = Self::this().filter(|this| this.system == self.system)?;
        if self == this {
            return Some(false);
        }
        match running::start_of(self.pid) {
            Start::At(started) => Some(started != self.started),
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
    fn what_another_unit_just_restored_is_not_taken_for_left_behind() {
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
        let asked = WorkDir::asked(&work).0.clone();
        let [in_it, beside] = &all;
        for path in [in_it, beside, &asked.join("libx.rlib")] {
            fsio::replace_and_create_dir(path, b"").unwrap();
        }
        [work, beside.clone(), asked]
    }

    #[test]
    fn what_a_process_has_made_goes_with_the_first_compile_after_its_end() {
        let Some(this) = Maker::this() else {
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
            let maker = Maker {
                pid: other.id(),
                started,
                system: system.to_owned(),
            };
            format!("{:08x}abc{}", maker.pid, maker.text())
        };
        let in_use = made(out_dir, &of(started, &this.system));
        let of_earlier_one = made(out_dir, &of(started - 1, &this.system));
        let of_container = made(out_dir, &of(started, "01234567"));
        let of_earlier_version = made(out_dir, &format!("{:08x}abc", other.id()));
        let are_there = |paths: &[PathBuf]| paths.iter().all(|path| path.exists());
        assert_eq!(left_behind(out_dir).len(), of_earlier_one.len());
        let own = WorkDir::create(out_dir).unwrap();
        assert!(!of_earlier_one.iter().any(|path| path.exists()));
        other.kill().unwrap();
        // Its parent has not asked yet how it ended.
        while running::start_of(other.id()) != Start::Ended {
            std::thread::sleep(Duration::from_millis(5));
        }
        let lock = fsio::create_lock_file(&in_use[2].join(LOCK)).unwrap();
        lock.lock().unwrap();
        let next = WorkDir::create(out_dir).unwrap();
        assert!(!in_use[0].exists() && !in_use[1].exists() && in_use[2].exists());
        drop(lock);
        assert_eq!(left_behind(out_dir), [in_use[2].clone()]);
        assert!(own.0.exists() && next.0.exists());
        assert!(are_there(&of_container) && are_there(&of_earlier_version));
        other.wait().unwrap();
    }
}
