//! A cache and a server that nobody else uses, and that leave nothing behind.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::worktree;
use sccache_control::server::address::Address;
use sccache_control::server::listener::{Listener, find_listener};
use sccache_control::server::process::Descendant;
use sccache_control::server::program::{Executable, minimal_environment};
use sccache_control::server::query::{error_summary, set_address};
use sccache_control::server::runtime_dir::MAX_SOCKET_PATH;
use sccache_control::server::start::IDLE_TIMEOUT;
use sccfg_util::problem::Problem;
use sccfg_util::proc::{Completion, Signal, send_signal};
use sccfg_util::wrapper_vars::STATE_DIR;
use sccfg_util::{env, fsio};

const PREFIX: &str = "sccfg-verify-";
/// With this much free space, the directory for temporary files is used without comparing: it may be
/// small, and in memory.
const PLENTY: u64 = 20 << 30;
/// More than any build fills: nothing is to be thrown out while it is measured.
const LARGEST: &str = "1T";
/// Before a directory is locked it has another name, by which nobody takes it for one that was
/// left.
const UNLOCKED: &str = ".sccfg-verify-";
/// How long such a directory may be there: its making is a matter of milliseconds.
const MAKING: Duration = Duration::from_secs(24 * 60 * 60);
const LOCK: &str = "lock";
/// The link to the directory of the socket, if that is another one.
const SHORT: &str = "short";
const SOCKET: &str = "s";
/// Where the linked worktree is.
pub(super) const WORKTREE: &str = "worktree";
const START: Duration = Duration::from_secs(20);
/// How long what runs may take to go.
const GONE: Duration = Duration::from_secs(5);

/// A directory with a cache, a server's socket and log, and the target directories of builds.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    /// Where the socket is, if its path would be too long in the directory.
    short: Option<PathBuf>,
    program: Executable,
    /// Roots that are cut off paths of C and C++, as the machine has them set.
    basedirs: Option<OsString>,
    /// Held for as long as this is used: the kernel takes it back from a process that was killed.
    _lock: File,
}

impl Scratch {
    /// Makes the directory.
    pub(super) fn make(program: Executable, basedirs: Option<OsString>) -> Result<Self, Problem> {
        let temporary = env::temp_dir();
        let free = |directory: &Path| fsio::space(directory).map_or(0, |space| space.free);
        let cache = env::cache_dir().filter(|cache| {
            let here = free(&temporary);
            here < PLENTY && free(cache) > here
        });
        let parent = cache.unwrap_or(temporary);
        for left in left_behind(&parent) {
            left.remove();
        }
        let (directory, lock) = locked_dir_in(&parent)?;
        let mut scratch = Self {
            directory,
            short: None,
            program,
            basedirs,
            _lock: lock,
        };
        if scratch.socket().as_os_str().len() > MAX_SOCKET_PATH {
            let short = dir_in(Path::new("/tmp"), PREFIX)?;
            // For whoever puts away what this leaves, should it be killed.
            #[cfg(unix)]
            let _ = fsio::replace_link(&scratch.path(SHORT), &short);
            scratch.short = Some(short);
        }
        Ok(scratch)
    }

    /// The path of `name` in the directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Where the server is.
    pub(super) fn address(&self) -> Address {
        Address::Socket(self.socket())
    }

    fn socket(&self) -> PathBuf {
        self.short.as_ref().unwrap_or(&self.directory).join(SOCKET)
    }

    fn log(&self) -> PathBuf {
        self.path("log")
    }

    /// The server's log so far, in bytes.
    pub(super) fn log_length(&self) -> u64 {
        fsio::file_size(&self.log())
    }

    /// The server's log from byte `from` on.
    pub(super) fn log_from(&self, from: u64) -> String {
        String::from_utf8_lossy(&fsio::read_bytes_from(&self.log(), from)).into_owned()
    }

    /// What leads server and clients here, and nowhere else: no file and no variable of the machine
    /// counts but these.
    fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("SCCACHE_CONF".into(), self.path("no-config").into()),
            ("SCCACHE_DIR".into(), self.path("cache").into()),
            ("SCCACHE_CACHE_SIZE".into(), LARGEST.into()),
            ("SCCACHE_IDLE_TIMEOUT".into(), IDLE_TIMEOUT.into()),
        ];
        if let Some(basedirs) = &self.basedirs {
            variables.push(("SCCACHE_BASEDIRS".into(), basedirs.clone()));
        }
        set_address(&mut variables, &self.address());
        variables
    }

    /// The changes of the environment for a build that uses this cache.
    pub(super) fn changes(&self) -> Vec<(OsString, Option<OsString>)> {
        let others = env::vars_where(|name| name.starts_with("SCCACHE_"));
        let mut changes: Vec<_> = others.into_iter().map(|(name, _)| (name, None)).collect();
        let mut variables = self.variables();
        // The portable wrapper is to know nothing from before either.
        variables.push((STATE_DIR.into(), self.path("wrapper").into()));
        changes.extend(
            variables
                .into_iter()
                .map(|(name, value)| (name, Some(value))),
        );
        changes
    }

    /// Starts the server, which logs what becomes of each unit.
    pub(super) fn start(&self) -> Result<(), Problem> {
        let mut environment = minimal_environment();
        environment.extend(self.variables());
        environment.push(("SCCACHE_LOG".into(), "sccache=debug".into()));
        environment.push(("SCCACHE_ERROR_LOG".into(), self.log().into()));
        let said = match self.program.run(&["--start-server"], environment, START) {
            Err(error) => format!("running {}: {error}", self.program.path.display()),
            Ok(Completion::TimedOut) => {
                format!("nothing came of it in {} seconds", START.as_secs())
            }
            Ok(Completion::Exited(output)) if output.status.success() => return Ok(()),
            Ok(Completion::Exited(output)) => error_summary(&output.stderr),
        };
        Err(Problem::new(format!(
            "starting an sccache server to measure with: {said}"
        ))
        .hint("`sccfg verify --in-place` measures with the one that runs"))
    }

    /// Ends the server, whoever started it at this address, and the compilers below it.
    fn end_server(&self) {
        if end_server(&self.address()) == Found::Unknown {
            let mut environment = minimal_environment();
            environment.extend(self.variables());
            let _ = self.program.run(&["--stop-server"], environment, GONE);
        }
    }
}

/// Whether a server can be found by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Known,
    Unknown,
}

fn end_server(address: &Address) -> Found {
    match find_listener(address) {
        Listener::Process(server) if server.owner == fsio::current_uid() => {
            // Held, it starts no compiler between the look and its end.
            let _ = send_signal(server.pid, Signal::Stop, || server.is_alive());
            let below = server.descendants();
            let _ = send_signal(server.pid, Signal::Kill, || server.is_alive());
            for process in &below {
                let _ = send_signal(process.pid, Signal::Kill, || process.is_alive());
            }
            let asked = Instant::now();
            let lives = || server.is_alive() || below.iter().any(Descendant::is_alive);
            while lives() && asked.elapsed() < GONE {
                thread::sleep(Duration::from_millis(5));
            }
            Found::Known
        }
        Listener::Unknown => Found::Unknown,
        Listener::Process(_) | Listener::Hidden { .. } | Listener::None => Found::Known,
    }
}

/// The directory of a run that was killed.
struct Left {
    directory: PathBuf,
    _lock: File,
}

/// The directories of this user in `parent` whose owner is gone.
fn left_behind(parent: &Path) -> Vec<Left> {
    let names = fsio::names_in(parent).into_iter();
    let is_left = |name: &String| {
        let is_old = || fsio::file_age(&parent.join(name)).is_some_and(|age| age > MAKING);
        name.starts_with(PREFIX) || (name.starts_with(UNLOCKED) && is_old())
    };
    names
        .filter(is_left)
        .map(|name| parent.join(name))
        .filter(|directory| fsio::is_own_dir(directory))
        .filter_map(|directory| {
            let lock = fsio::open_lock_file(&directory.join(LOCK)).ok()?;
            lock.try_lock().ok()?;
            Some(Left {
                directory,
                _lock: lock,
            })
        })
        .collect()
}

impl Left {
    fn remove(&self) {
        end_server(&Address::Socket(self.directory.join(SOCKET)));
        let short = fsio::read_link(self.directory.join(SHORT));
        if let Some(short) = short.filter(|it| is_short(it)) {
            end_server(&Address::Socket(short.join(SOCKET)));
            let _ = fsio::remove_dir(&short);
        }
        worktree::forget(&self.directory.join(WORKTREE));
        let _ = fsio::remove_dir(&self.directory);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.end_server();
        let asked = Instant::now();
        for directory in [Some(&self.directory), self.short.as_ref()]
            .into_iter()
            .flatten()
        {
            // A compiler on its way out may still write.
            while fsio::remove_dir(directory).is_err() && asked.elapsed() < GONE {
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// Whether `path` is a directory of this user's for a socket.
fn is_short(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.parent() == Some(Path::new("/tmp")) && name.starts_with(PREFIX) && fsio::is_own_dir(path)
}

/// A directory that is locked before it has the name by which others look for what was left behind.
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
        "making a directory in {}: {error}",
        parent.display()
    ))
    .hint("let TMPDIR name a directory that you can write to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_left_behind() {
        let parent = tempfile::tempdir().unwrap();
        let found = || left_behind(parent.path()).len();
        let (directory, lock) = locked_dir_in(parent.path()).unwrap();
        assert_eq!(fsio::names_in(parent.path()).len(), 1);
        assert_eq!(found(), 0, "it is in use");
        // One that is just being made, before and after it has its lock file.
        let made = dir_in(parent.path(), UNLOCKED).unwrap();
        assert_eq!(found(), 0, "it is being made");
        drop(fsio::create_lock_file(&made.join(LOCK)).unwrap());
        assert_eq!(found(), 0, "it is being made");
        drop(lock);
        let left = left_behind(parent.path());
        assert_eq!(left.len(), 1);
        assert_eq!(found(), 0, "somebody else puts it away");
        left[0].remove();
        assert!(!fsio::exists(&directory));
    }
}
