//! Finds out what runs at an address: from the probe cache while that is valid, otherwise from the
//! system and by querying the server.

use std::path::Path;
use std::time::Duration;

use super::address::Address;
use super::listener::{Listener, find_listener};
use super::lock::Lock;
use super::probe_cache::CachedProbe;
use super::process::{Process, ProcessExe};
use super::program::{Executable, SccacheProgram};
use super::query::{QueryError, Settings, Stats, query_stats};
use super::runtime_dir::{MAX_SOCKET_PATH, RuntimeDir};
use sccfg_util::fsio::{self, FileId};
use sccfg_util::problem::Problem;

/// How long a shell waits for another one that is querying the server or restarting it.
const TURN_TIMEOUT: Duration = Duration::from_secs(2);

/// What runs at an address.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// Nothing listens.
    NotRunning,
    /// A server of this user.
    Server(Box<RunningServer>),
    /// Something is there that cannot be used.
    Foreign(Foreign),
}

/// A running server.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningServer {
    /// `None` where the system does not tell which process listens.
    pub process: Option<Process>,
    /// The file of its program.
    pub(super) program: Option<FileId>,
    /// The settings it reported.
    pub settings: Settings,
    /// Its statistics, if it was queried just now.
    pub stats: Option<Stats>,
    /// The entry of the probe cache.
    pub(super) cached: Option<CachedProbe>,
}

/// Something that is not a server this user can use, and in whose place none can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// A directory. (sccache replaces any other file by its socket.)
    Directory,
    /// The path of a socket that cannot be created, for this reason.
    NoSocket(String),
    /// A process of the user with this number.
    OtherUser(u32),
    /// A process that is not sccache.
    OtherProgram {
        /// Its process number.
        pid: u32,
        /// Its name.
        name: String,
    },
    /// It accepts connections and does not reply.
    Unresponsive(Option<Process>),
    /// Its reply is not one of an sccache server.
    UnexpectedReply(String),
}

impl Foreign {
    /// The error for a user who needs a server at `address`.
    pub fn problem(&self, address: &Address) -> Problem {
        const ELSEWHERE: &str = "stop it, or set SCCACHE_SERVER_PORT or SCCACHE_SERVER_UDS to \
                                 another address; `sccfg hook` and `sccfg env` do that";
        match self {
            Self::Directory => Problem::new(format!(
                "no server can start at {address}, which is a directory"
            ))
            .hint(
                "set SCCACHE_SERVER_UDS to the path of a file; `sccfg hook` and `sccfg env` select \
                 another address",
            ),
            Self::NoSocket(reason) => {
                Problem::new(format!("no server can start at {address}: {reason}")).hint(
                    "set SCCACHE_SERVER_UDS to a path in a directory of your own, or unset it; \
                     `sccfg hook` and `sccfg env` select another address",
                )
            }
            Self::OtherUser(user) => Problem::new(format!(
                "the server at {address} belongs to another user (uid {user})"
            ))
            .hint(
                "set SCCACHE_SERVER_PORT or SCCACHE_SERVER_UDS to an address of your own; \
                 `sccfg hook` and `sccfg env` do that",
            ),
            Self::OtherProgram { pid, name } => Problem::new(format!(
                "{address} is used by `{name}` (process {pid}), which is not an sccache server"
            ))
            .hint(ELSEWHERE),
            Self::Unresponsive(process) => {
                let process = process
                    .as_ref()
                    .map_or_else(String::new, |process| format!(" (process {})", process.pid));
                Problem::new(format!(
                    "the sccache server at {address}{process} does not respond"
                ))
                .hint("builds will hang; `sccfg server restart --force` kills it")
            }
            Self::UnexpectedReply(reply) => Problem::new(format!(
                "what listens at {address} does not reply like an sccache server: {reply}"
            ))
            .hint(ELSEWHERE),
        }
    }
}

/// Probes `address`. Where nothing listens, no lock is taken.
pub(super) fn probe(
    address: &Address,
    sccache: &SccacheProgram,
    runtime_dir: Option<&RuntimeDir>,
) -> Probe {
    if let Some(cached) = cached_probe(address, runtime_dir) {
        return cached;
    }
    if find_listener(address) == Listener::None {
        return without_listener(address);
    }
    probe_in_turn(address, sccache, runtime_dir)
}

/// As [`probe`], but also waits for a restart in progress, so that the version of the server that
/// comes back is known. Shells that open together query one after the other, and all but the first
/// find a cached probe.
pub(super) fn probe_in_turn(
    address: &Address,
    sccache: &SccacheProgram,
    runtime_dir: Option<&RuntimeDir>,
) -> Probe {
    if let Some(cached) = cached_probe(address, runtime_dir) {
        return cached;
    }
    let lock = runtime_dir.map(|runtime_dir| Lock::acquire(runtime_dir, address, TURN_TIMEOUT));
    if lock.is_some()
        && let Some(cached) = cached_probe(address, runtime_dir)
    {
        return cached;
    }
    query(address, sccache, runtime_dir)
}

/// As [`probe`], for a caller that holds the lock of `address`.
pub(super) fn probe_locked(
    address: &Address,
    sccache: &SccacheProgram,
    runtime_dir: Option<&RuntimeDir>,
) -> Probe {
    cached_probe(address, runtime_dir).unwrap_or_else(|| query(address, sccache, runtime_dir))
}

/// The server in the probe cache, if it is still running.
pub(super) fn cached_probe(address: &Address, runtime_dir: Option<&RuntimeDir>) -> Option<Probe> {
    let cached = CachedProbe::read(runtime_dir?, address)?;
    Some(Probe::Server(Box::new(RunningServer {
        process: Some(cached.process.clone()),
        program: Some(cached.program),
        settings: cached.settings.clone(),
        stats: None,
        cached: Some(cached),
    })))
}

/// Probes `address` without the probe cache, and queries the server for its statistics.
pub(super) fn query(
    address: &Address,
    sccache: &SccacheProgram,
    runtime_dir: Option<&RuntimeDir>,
) -> Probe {
    let process = match find_listener(address) {
        Listener::None => return without_listener(address),
        Listener::Process(process) => Some(process),
        Listener::Hidden { owner: Some(owner) } if owner != fsio::current_uid() => {
            return Probe::Foreign(Foreign::OtherUser(owner));
        }
        Listener::Hidden { .. } | Listener::Unknown => None,
    };
    if let Some(foreign) = process.as_ref().and_then(foreign) {
        return Probe::Foreign(foreign);
    }
    let exe = process.as_ref().and_then(Process::exe);
    let own = exe.as_ref().map(ProcessExe::executable);
    let program: &Executable = own.as_ref().unwrap_or(&sccache.executable);
    let stats = match query_stats(program, address) {
        Ok(stats) => stats,
        // It may have exited meanwhile.
        Err(_) if find_listener(address) == Listener::None => return Probe::NotRunning,
        Err(QueryError::TimedOut) => {
            // What it replied before does not tell that it works.
            if let Some(runtime_dir) = runtime_dir {
                CachedProbe::remove(runtime_dir, address);
            }
            return Probe::Foreign(Foreign::Unresponsive(process));
        }
        Err(QueryError::Failed(reply)) => {
            return Probe::Foreign(Foreign::UnexpectedReply(reply));
        }
    };
    let program = exe.map(|exe| exe.id);
    let cached = process.clone().zip(program);
    let cached = cached.map(|(process, program)| CachedProbe {
        process,
        program,
        settings: stats.settings.clone(),
        sccache_answer: None,
        failed_restart: None,
    });
    if let (Some(cached), Some(runtime_dir)) = (&cached, runtime_dir)
        && cached.process.still_listens(address)
    {
        cached.write(runtime_dir, address);
    }
    Probe::Server(Box::new(RunningServer {
        process,
        program,
        settings: stats.settings.clone(),
        stats: Some(stats),
        cached,
    }))
}

/// What is at an address at which nothing listens.
pub(super) fn without_listener(address: &Address) -> Probe {
    let Address::Socket(path) = address else {
        return Probe::NotRunning;
    };
    if fsio::is_plain_dir(path) {
        return Probe::Foreign(Foreign::Directory);
    }
    no_socket(path).map_or(Probe::NotRunning, |reason| {
        Probe::Foreign(Foreign::NoSocket(reason))
    })
}

/// Why no socket can be created at `path`.
fn no_socket(path: &Path) -> Option<String> {
    let length = path.as_os_str().len();
    if length == 0 {
        return Some("SCCACHE_SERVER_UDS is empty".to_owned());
    }
    // `\x00name` is no path.
    let directory = path.parent().filter(|_| path.is_absolute())?;
    if length > MAX_SOCKET_PATH {
        return Some(format!(
            "its path has {length} bytes, and that of a socket at most {MAX_SOCKET_PATH}"
        ));
    }
    let what = match directory {
        directory if !directory.is_dir() => "is not a directory",
        directory if !fsio::is_writable(directory) => "is not writable",
        _ => return None,
    };
    Some(format!("{} {what}", directory.display()))
}

/// Why the process cannot be a server of this user.
fn foreign(process: &Process) -> Option<Foreign> {
    if process.owner != fsio::current_uid() {
        return Some(Foreign::OtherUser(process.owner));
    }
    (!process.is_sccache()).then(|| Foreign::OtherProgram {
        pid: process.pid,
        name: process.name(),
    })
}
