//! A temporary cache and server.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use local_store::Store;

use super::worktree;
use sccache_control::server::address::Address;
use sccache_control::server::listener::{Listener, find_listener};
use sccache_control::server::program::{Executable, minimal_environment};
use sccache_control::server::query::{error_summary, set_address};
use sccache_control::server::runtime_dir::MAX_SOCKET_PATH;
use sccache_control::server::start::IDLE_TIMEOUT;
use sccfg_util::problem::Problem;
use sccfg_util::proc::running::Stat;
use sccfg_util::proc::{Completion, kill_with_descendants};
use sccfg_util::wrapper_vars::{CONFIG, STATE_DIR};
use sccfg_util::{env, fsio};

const PREFIX: &str = "sccfg-verify-";
/// With less free space than this, the user's cache directory is considered instead: the directory for
/// temporary files may be small and in memory.
const ENOUGH_SPACE: u64 = 20 << 30;
/// Larger than any build, so that no entry is evicted.
const CACHE_SIZE: &str = "1T";
/// The settings of the local store.
const SETTINGS: &str = "config.toml";
/// The prefix until the directory is locked, so that other runs do not take it for an abandoned one.
const UNLOCKED: &str = ".sccfg-verify-";
/// A directory with that prefix is abandoned after this time: locking takes milliseconds.
const MAX_UNLOCKED_AGE: Duration = Duration::from_secs(24 * 60 * 60);
const LOCK: &str = "lock";
/// A link to the directory of the socket, if the socket is elsewhere.
const SHORT: &str = "short";
const SOCKET: &str = "s";
/// The directory of the linked worktree.
pub(super) const WORKTREE: &str = "worktree";
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Time limit for processes to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A directory with the cache, the server's socket and log, and the target directories of builds.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    /// The directory of the socket, if its path would be too long otherwise.
    short: Option<PathBuf>,
    program: Executable,
    /// `SCCACHE_BASEDIRS` of the user.
    basedirs: Option<OsString>,
    /// Held while the directory is in use; the kernel releases it if the process is killed.
    _lock: File,
}

impl Scratch {
    /// Creates the directory, and removes abandoned ones.
    pub(super) fn create(program: Executable, basedirs: Option<OsString>) -> Result<Self, Problem> {
        let (directory, lock) = locked_dir()?;
        let mut scratch = Self {
            directory,
            short: None,
            program,
            basedirs,
            _lock: lock,
        };
        if scratch.socket().as_os_str().len() > MAX_SOCKET_PATH {
            let short = dir_in(Path::new("/tmp"), PREFIX)?;
            // For the run that cleans up if this one is killed.
            let _ = fsio::replace_link(&scratch.path(SHORT), &short);
            scratch.short = Some(short);
        }
        Ok(scratch)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The server's address.
    pub(super) fn address(&self) -> Address {
        Address::Socket(self.socket())
    }

    fn socket(&self) -> PathBuf {
        self.short.as_ref().unwrap_or(&self.directory).join(SOCKET)
    }

    fn log(&self) -> PathBuf {
        self.path("log")
    }

    /// The length of the server's log in bytes.
    pub(super) fn log_length(&self) -> u64 {
        fsio::file_size(&self.log())
    }

    /// The server's log from byte `from`.
    pub(super) fn log_from(&self, from: u64) -> String {
        String::from_utf8_lossy(&fsio::read_bytes_from(&self.log(), from)).into_owned()
    }

    /// The variables for server and clients. No config file or other variable has an effect.
    fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("SCCACHE_CONF".into(), self.path("no-config").into()),
            ("SCCACHE_DIR".into(), self.path("cache").into()),
            ("SCCACHE_CACHE_SIZE".into(), CACHE_SIZE.into()),
            ("SCCACHE_IDLE_TIMEOUT".into(), IDLE_TIMEOUT.into()),
        ];
        if let Some(basedirs) = &self.basedirs {
            variables.push(("SCCACHE_BASEDIRS".into(), basedirs.clone()));
        }
        set_address(&mut variables, &self.address());
        variables
    }

    /// The environment changes for a build that uses this cache.
    pub(super) fn changes(&self) -> Vec<(OsString, Option<OsString>)> {
        let others = env::vars_where(|name| name.starts_with("SCCACHE_"));
        let mut changes: Vec<_> = others.into_iter().map(|(name, _)| (name, None)).collect();
        let mut variables = self.variables();
        // The state of the portable wrapper is temporary as well.
        variables.push((STATE_DIR.into(), self.path("wrapper").into()));
        variables.push((CONFIG.into(), self.path(SETTINGS).into()));
        changes.extend(
            variables
                .into_iter()
                .map(|(name, value)| (name, Some(value))),
        );
        changes
    }

    /// The local store for a build that uses this cache.
    pub(super) fn store(&self) -> Store {
        // The limit matters only to those who store something.
        Store::new(self.path("store"), 0)
    }

    /// Makes builds with [`Self::changes`] use the temporary store if `is_enabled`, and no other.
    pub(super) fn write_settings(&self, is_enabled: bool) -> Result<(), Problem> {
        let mut settings = toml_edit::DocumentMut::new();
        let store = settings["store"].or_insert(toml_edit::table());
        store["enabled"] = is_enabled.into();
        store["dir"] = toml_edit::value(self.store().root().display().to_string());
        store["size"] = CACHE_SIZE.into();
        let path = self.path(SETTINGS);
        fsio::replace(&path, settings.to_string().as_bytes()).map_err(|error| {
            Problem::new(format!("could not write {}: {error}", path.display()))
                .hint("set TMPDIR to a writable directory")
        })
    }

    /// Starts the server with a log of each unit.
    pub(super) fn start(&self) -> Result<(), Problem> {
        let mut environment = minimal_environment();
        environment.extend(self.variables());
        environment.push(("SCCACHE_LOG".into(), "sccache=debug".into()));
        environment.push(("SCCACHE_ERROR_LOG".into(), self.log().into()));
        let reason = match self
            .program
            .run(&["--start-server"], environment, START_TIMEOUT)
        {
            Err(error) => format!("could not run {}: {error}", self.program.path.display()),
            Ok(Completion::TimedOut) => {
                format!("no answer within {} seconds", START_TIMEOUT.as_secs())
            }
            Ok(Completion::Exited(output)) if output.status.success() => return Ok(()),
            Ok(Completion::Exited(output)) => error_summary(&output.stderr),
        };
        Err(Problem::new(format!(
            "could not start a temporary sccache server: {reason}"
        ))
        .hint("use `sccfg verify --in-place` to measure with the running server"))
    }

    /// Ends the server at this address and the compilers that it runs.
    fn end_server(&self) {
        if end_server(&self.address()) == Found::Unknown {
            let mut environment = minimal_environment();
            environment.extend(self.variables());
            let _ = self
                .program
                .run(&["--stop-server"], environment, STOP_TIMEOUT);
        }
    }
}

/// Whether the process that listens at an address can be determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Known,
    Unknown,
}

fn end_server(address: &Address) -> Found {
    match find_listener(address) {
        Listener::Process(server) if server.owner == fsio::current_uid() => {
            let below = kill_with_descendants(server.pid, || server.is_alive());
            let asked = Instant::now();
            let lives = || server.is_alive() || below.iter().any(Stat::is_alive);
            while lives() && asked.elapsed() < STOP_TIMEOUT {
                thread::sleep(Duration::from_millis(5));
            }
            Found::Known
        }
        Listener::Unknown => Found::Unknown,
        Listener::Process(_) | Listener::Hidden { .. } | Listener::None => Found::Known,
    }
}

/// The directory of a run that was killed.
struct Abandoned {
    directory: PathBuf,
    _lock: File,
}

/// The directories of this user in `parent` that no process has locked.
fn abandoned_in(parent: &Path) -> Vec<Abandoned> {
    let names = fsio::names_in(parent).into_iter();
    let is_candidate = |name: &String| {
        let is_old =
            || fsio::file_age(&parent.join(name)).is_some_and(|age| age > MAX_UNLOCKED_AGE);
        name.starts_with(PREFIX) || (name.starts_with(UNLOCKED) && is_old())
    };
    names
        .filter(is_candidate)
        .map(|name| parent.join(name))
        .filter(|directory| fsio::is_own_dir(directory))
        .filter_map(|directory| {
            let lock = fsio::open_lock_file(&directory.join(LOCK)).ok()?;
            lock.try_lock().ok()?;
            Some(Abandoned {
                directory,
                _lock: lock,
            })
        })
        .collect()
}

impl Abandoned {
    fn remove(&self) {
        end_server(&Address::Socket(self.directory.join(SOCKET)));
        let short = fsio::read_link(self.directory.join(SHORT));
        if let Some(short) = short.filter(|path| is_short(path)) {
            end_server(&Address::Socket(short.join(SOCKET)));
            remove([&short]);
        }
        worktree::forget(&self.directory.join(WORKTREE));
        remove([&self.directory]);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.end_server();
        let all = [Some(&self.directory), self.short.as_ref()];
        remove(all.into_iter().flatten());
    }
}

/// Removes the directories. A compiler that is being killed, or whose cargo was, may still write.
fn remove<'d>(directories: impl IntoIterator<Item = &'d PathBuf>) {
    let asked = Instant::now();
    for directory in directories {
        while fsio::remove_dir(directory).is_err() && asked.elapsed() < STOP_TIMEOUT {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether `path` is a directory for a socket, owned by this user.
fn is_short(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.parent() == Some(Path::new("/tmp")) && name.starts_with(PREFIX) && fsio::is_own_dir(path)
}

/// A temporary directory that is removed on drop, or by the next run if this one is killed.
#[derive(Debug)]
pub(super) struct TemporaryDir {
    directory: PathBuf,
    _lock: File,
}

impl TemporaryDir {
    /// Creates it, and removes abandoned ones.
    pub(super) fn create() -> Result<Self, Problem> {
        let (directory, lock) = locked_dir()?;
        Ok(Self {
            directory,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.directory
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        let _ = fsio::remove_dir(&self.directory);
    }
}

/// Creates a directory for temporary files where there is space, and removes abandoned ones.
fn locked_dir() -> Result<(PathBuf, File), Problem> {
    let temporary = env::temp_dir();
    let free = |directory: &Path| fsio::space(directory).map_or(0, |space| space.free);
    let cache = env::cache_dir().filter(|cache| {
        let here = free(&temporary);
        here < ENOUGH_SPACE && free(cache) > here
    });
    let parent = cache.unwrap_or(temporary);
    for abandoned in abandoned_in(&parent) {
        abandoned.remove();
    }
    locked_dir_in(&parent)
}

/// Creates a directory that is locked before it gets the name that other runs search for.
fn locked_dir_in(parent: &Path) -> Result<(PathBuf, File), Problem> {
    let made = dir_in(parent, UNLOCKED)?;
    let name = made.file_name().unwrap_or_default().to_string_lossy();
    let directory = parent.join(name.trim_start_matches('.'));
    let locked = fsio::create_lock_file(&made.join(LOCK)).and_then(|lock| {
        lock.try_lock()?;
        fsio::rename(&made, &directory)?;
        Ok(lock)
    });
    match locked {
        Ok(lock) => Ok((directory, lock)),
        Err(error) => {
            let _ = fsio::remove_dir(&made);
            Err(no_dir(parent, &error))
        }
    }
}

fn dir_in(parent: &Path, prefix: &str) -> Result<PathBuf, Problem> {
    fsio::create_unique_dir(parent, prefix).map_err(|error| no_dir(parent, &error))
}

fn no_dir(parent: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!(
        "could not create a directory in {}: {error}",
        parent.display()
    ))
    .hint("set TMPDIR to a writable directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The abandoned directories, as soon as there are any. A process that another test starts has the lock as well until it executes
    /// its program.
    fn abandoned_soon_in(parent: &Path) -> Vec<Abandoned> {
        let started = Instant::now();
        loop {
            let found = abandoned_in(parent);
            if !found.is_empty() || started.elapsed() > STOP_TIMEOUT {
                return found;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn only_unlocked_directories_are_abandoned() {
        let parent = tempfile::tempdir().unwrap();
        let found = || abandoned_in(parent.path()).len();
        let (directory, lock) = locked_dir_in(parent.path()).unwrap();
        assert_eq!(fsio::names_in(parent.path()).len(), 1);
        assert_eq!(found(), 0, "it is in use");
        // One that is being created, before and after it has its lock file.
        let made = dir_in(parent.path(), UNLOCKED).unwrap();
        assert_eq!(found(), 0, "it is being created");
        drop(fsio::create_lock_file(&made.join(LOCK)).unwrap());
        assert_eq!(found(), 0, "it is being created");
        drop(lock);
        let abandoned = abandoned_soon_in(parent.path());
        assert_eq!(abandoned.len(), 1);
        assert_eq!(found(), 0, "another run removes it");
        abandoned[0].remove();
        assert!(!fsio::exists(&directory));
    }

    /// cargo ends some time after the run that started it was killed.
    #[test]
    fn directories_in_which_a_build_still_writes_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let (directory, lock) = locked_dir_in(parent.path()).unwrap();
        let target = directory.join("target");
        fsio::create_dir_all(&target).unwrap();
        drop(lock);
        let abandoned = abandoned_soon_in(parent.path());
        thread::scope(|scope| {
            let builds = scope.spawn(|| {
                let started = Instant::now();
                let mut names = 0..;
                while started.elapsed() < Duration::from_millis(300) {
                    let name = names.next().unwrap_or_default().to_string();
                    let _ = fsio::create_output(&target.join(name), 0o600);
                }
            });
            abandoned[0].remove();
            builds.join().unwrap();
        });
        assert!(!fsio::exists(&directory));
    }
}
