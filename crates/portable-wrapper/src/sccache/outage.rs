//! Marks by which the compiles of a build share that sccache is disabled, and how long they have waited for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::build_dir;
use super::super::build_dir::wrapper_dir;
use super::super::digest;
use super::super::state_dir::{DAY, StateDir};
use sccache_control::server::address::{Address, PORT, SOCKET};
use sccache_control::server::process;
use sccache_control::server::runtime_dir::RuntimeDir;
use sccfg_util::clock::{millis, since_1970};
use sccfg_util::env;
use sccfg_util::fsio::{self, FileId};

/// How long a mark is valid if a process cannot be distinguished from a later one with the same ID.
const WITHOUT_START_TIME: Duration = Duration::from_secs(10 * 60);

/// The extension of locks.
const BUSY: &str = "busy";

/// The marks of this build.
#[derive(Debug)]
pub(super) struct Outage {
    /// The possible paths of the mark. It is in the first directory that can be written to.
    marks: Vec<PathBuf>,
    /// How long the mark is valid; as long as it exists if `None`.
    lasts: Option<Duration>,
    /// The process ID of cargo.
    cargo: Option<u32>,
}

impl Outage {
    pub(super) fn of_this_build(sccache: &Path, out_dir: Option<&Path>) -> Self {
        let build = Build::find();
        let address = [SOCKET, PORT].map(env::var_os);
        let name = format!(
            "{} {:?} {address:?} {}",
            build.pid,
            build.started,
            sccache.display()
        );
        let name = digest::of(name.as_bytes());
        let directories = [
            RuntimeDir::find().map(|runtime| runtime.outages()).ok(),
            StateDir::find().and_then(|state| Some(state.own_directory()?.join("outages"))),
            out_dir.map(|out_dir| {
                let root = build_dir::root(out_dir, None);
                wrapper_dir(&root.unwrap_or_else(|| out_dir.to_owned())).join("outages")
            }),
        ];
        let marks = directories.into_iter().flatten();
        Self {
            marks: marks.map(|directory| directory.join(&name[..32])).collect(),
            lasts: build.started.is_none().then_some(WITHOUT_START_TIME),
            cargo: build.cargo,
        }
    }

    pub(super) fn cargo(&self) -> Option<u32> {
        self.cargo
    }

    /// The lock that shims below the server at `address` share while they compile.
    pub(super) fn busy_lock(&self, address: &Address) -> Option<PathBuf> {
        let name = digest::of(address.to_string().as_bytes());
        let directories = self.marks.iter().filter_map(|mark| mark.parent());
        let mut locks =
            directories.map(|directory| directory.join(format!("{}.{BUSY}", &name[..32])));
        locks.find(|lock| {
            lock.parent()
                .is_some_and(|directory| fsio::create_dir_all(directory).is_ok())
                && fsio::create_lock_file(lock).is_ok()
        })
    }

    /// Whether this build continues without sccache.
    pub(super) fn has_begun(&self) -> bool {
        self.marks.iter().any(|mark| self.holds(mark))
    }

    fn holds(&self, mark: &Path) -> bool {
        match self.lasts {
            None => fsio::exists(mark),
            Some(lasts) => fsio::file_age(mark).is_some_and(|age| age < lasts),
        }
    }

    /// Creates the mark, if there is none. If none can be written, each compile tries sccache by itself.
    pub(super) fn begin(&self, why: &str) {
        if self.has_begun() {
            return;
        }
        for mark in &self.marks {
            if let Some(directory) = mark.parent() {
                remove_old(directory);
            }
            if self.lasts.is_some() {
                // An earlier build may have had the same name.
                let _ = fsio::remove_file(&reported(mark));
                let _ = fsio::remove_file(&waits(mark));
            }
            if fsio::replace_and_create_dir(mark, why.as_bytes()).is_ok() {
                return;
            }
        }
    }

    /// The reason for the outage. `None` for all but the first process of the build that calls this.
    pub(super) fn take_reason(&self) -> Option<String> {
        self.marks.iter().find_map(|mark| {
            let why = fsio::read_bytes(mark)?;
            fsio::create_empty_file(&reported(mark)).ok()?;
            String::from_utf8(why).ok()
        })
    }

    /// How long the compiles of this build have waited, including one that has been waiting for `idle`. Simultaneous waits
    /// count once.
    pub(super) fn waited_with(&self, idle: Duration) -> Duration {
        let now = millis(since_1970());
        let oldest = self
            .lasts
            .map_or(0, |lasts| now.saturating_sub(millis(lasts)));
        let mut all: Vec<Wait> = self
            .marks
            .iter()
            .filter_map(|mark| String::from_utf8(fsio::read_bytes(waits(mark))?).ok())
            .flat_map(|text| text.lines().filter_map(Wait::parse).collect::<Vec<_>>())
            .filter(|wait| wait.end >= oldest)
            .collect();
        all.push(Wait::until(now, idle));
        Duration::from_millis(total(all))
    }

    /// Counts a wait that has just ended.
    pub(super) fn count_wait(&self, idle: Duration) {
        let Wait { start, end } = Wait::until(millis(since_1970()), idle);
        let line = format!("{start} {end}\n");
        for mark in &self.marks {
            if let Some(directory) = mark.parent()
                && fsio::create_dir_all(directory).is_ok()
                && fsio::append(&waits(mark), line.as_bytes()).is_ok()
            {
                return;
            }
        }
    }
}

/// The path of an empty file that exists once the reason was printed.
fn reported(mark: &Path) -> PathBuf {
    mark.with_extension("said")
}

/// The path of the file with a line for each wait.
fn waits(mark: &Path) -> PathBuf {
    mark.with_extension("waits")
}

fn remove_old(directory: &Path) {
    for name in fsio::names_in(directory) {
        let path = directory.join(name);
        let is_lock = path.extension().is_some_and(|extension| extension == BUSY);
        if !is_lock && fsio::file_age(&path).is_some_and(|age| age > DAY) {
            let _ = fsio::remove_file(&path);
        }
    }
}

/// When a compile waited, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wait {
    start: u64,
    end: u64,
}

impl Wait {
    fn until(end: u64, idle: Duration) -> Self {
        Self {
            start: end.saturating_sub(millis(idle)),
            end,
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let (start, end) = line.split_once(' ')?;
        Some(Self {
            start: start.parse().ok()?,
            end: end.parse().ok()?,
        })
    }
}

/// The total time in which at least one compile waited, in milliseconds.
fn total(mut waits: Vec<Wait>) -> u64 {
    waits.sort_unstable();
    let mut covered = 0;
    let mut total = 0_u64;
    for Wait { start, end } in waits {
        total = total.saturating_add(end.saturating_sub(start.max(covered)));
        covered = covered.max(end);
    }
    total
}

/// The cargo of this build, if there is one.
pub(super) fn cargo() -> Option<u32> {
    Build::find().cargo
}

/// The build of this compile: the nearest cargo among its ancestors; without one, the process group.
struct Build {
    pid: u32,
    started: Option<u64>,
    cargo: Option<u32>,
}

impl Build {
    fn find() -> Self {
        let program = env::var_os("CARGO").and_then(fsio::file_id);
        let mut ancestors = process::ancestors();
        let cargo = program.and_then(|program| {
            let (pid, _) = ancestors.find(|(pid, _)| is_running(*pid, program))?;
            Some(pid)
        });
        let pid = cargo.unwrap_or_else(process::group);
        Self {
            pid,
            started: process::started(pid),
            cargo,
        }
    }
}

fn is_running(pid: u32, program: FileId) -> bool {
    fsio::file_id(format!("/proc/{pid}/exe")) == Some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage(directories: &[&Path], lasts: Option<Duration>) -> Outage {
        Outage {
            marks: directories.iter().map(|path| path.join("m")).collect(),
            lasts,
            cargo: None,
        }
    }

    #[test]
    fn simultaneous_waits_count_once() {
        let wait = |start, end| Wait { start, end };
        assert_eq!(total(vec![wait(0, 5), wait(0, 5), wait(1, 4)]), 5);
        assert_eq!(total(vec![wait(4, 8), wait(0, 5)]), 8);
        assert_eq!(total(vec![wait(0, 2), wait(5, 8)]), 5);
        let directory = tempfile::tempdir().unwrap();
        let outage = outage(&[directory.path()], None);
        for _ in 0..4 {
            outage.count_wait(Duration::from_secs(3));
        }
        let waited = outage.waited_with(Duration::from_secs(3));
        assert!(waited >= Duration::from_secs(3), "{waited:?}");
        assert!(waited < Duration::from_secs(6), "{waited:?}");
    }

    #[test]
    fn files_of_an_earlier_build_with_the_same_name_do_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fsio::replace(&path.join("m.waits"), b"0 60000\n").unwrap();
        fsio::replace(&path.join("m.said"), b"").unwrap();
        let idle = Duration::from_secs(1);
        assert!(outage(&[path], None).waited_with(idle) > Duration::from_secs(60));
        let outage = outage(&[path], Some(WITHOUT_START_TIME));
        assert_eq!(outage.waited_with(idle), idle);
        outage.begin("why");
        assert!(outage.has_begun() && !fsio::exists(&path.join("m.waits")));
        assert_eq!(outage.take_reason().as_deref(), Some("why"));
        assert_eq!(outage.take_reason(), None);
    }

    #[test]
    fn the_mark_is_in_the_first_writable_directory() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fsio::replace(&file, b"").unwrap();
        let unwritable = file.join("x");
        let outage = outage(&[&unwritable, directory.path()], None);
        assert!(!outage.has_begun());
        outage.begin("why");
        assert!(outage.has_begun());
        assert_eq!(outage.take_reason().as_deref(), Some("why"));
        outage.count_wait(Duration::from_secs(2));
        assert!(outage.waited_with(Duration::ZERO) >= Duration::from_secs(2));
        let lock = outage.busy_lock(&Address::Port(1)).unwrap();
        assert!(lock.starts_with(directory.path()) && !fsio::is_locked(&lock));
        let held = fsio::share_lock_for_children(&lock);
        assert!(held.is_some() && fsio::is_locked(&lock));
    }
}
