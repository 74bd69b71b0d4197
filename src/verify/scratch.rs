//! A cache and a server that nobody else uses, and that leave nothing behind.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::worktree;
use crate::portable::MEMORY;
use crate::problem::Problem;
use crate::proc::{End, Ended, end};
use crate::server::address::Address;
use crate::server::asked::{lead, reason};
use crate::server::client::{Runnable, bare_environment};
use crate::server::process::{Descendant, Listening, listening};
use crate::server::runtime::LONGEST_SOCKET;
use crate::server::start::IDLE_TIMEOUT;
use crate::{env, fsio};

const PREFIX: &str = "sccfg-verify-";
/// With so much room, the folder for temporary files is taken without looking further: it may be
/// small, and in memory.
const PLENTY: u64 = 20 << 30;
/// More than any build fills: nothing is to be thrown out while it is measured.
const LARGEST: &str = "1T";
const LOCK: &str = "lock";
const SOCKET: &str = "s";
/// Where the linked worktree is.
pub(super) const WORKTREE: &str = "worktree";
const START: Duration = Duration::from_secs(20);
/// How long what runs may take to go.
const GONE: Duration = Duration::from_secs(5);

/// A folder with a cache, a server's socket and log, and room for builds.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    /// Where the socket is, if its path would be too long in the folder.
    short: Option<PathBuf>,
    program: Runnable,
    /// Roots that are cut off paths of C and C++, as the machine has them set.
    basedirs: Option<OsString>,
    /// Held for as long as this is used: the kernel takes it back from a process that was killed.
    _lock: Option<File>,
}

impl Scratch {
    /// Makes the folder.
    pub(super) fn make(program: Runnable, basedirs: Option<OsString>) -> Result<Self, Problem> {
        let temporary = env::temporary();
        let room = |folder: &Path| fsio::space(folder).map_or(0, |space| space.free);
        let cache = env::cache_dir().filter(|cache| {
            let here = room(&temporary);
            here < PLENTY && room(cache) > here
        });
        let parent = cache.unwrap_or(temporary);
        for left in left_behind(&parent) {
            left.remove();
        }
        let folder = folder_in(&parent)?;
        let lock = fsio::lock_file(&folder.join(LOCK)).ok();
        let mut scratch = Self {
            folder,
            short: None,
            program,
            basedirs,
            _lock: lock.filter(|lock| lock.try_lock().is_ok()),
        };
        if scratch.socket().as_os_str().len() > LONGEST_SOCKET {
            scratch.short = Some(folder_in(Path::new("/tmp"))?);
        }
        Ok(scratch)
    }

    /// The path of `name` in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where the server is.
    pub(super) fn address(&self) -> Address {
        Address::Socket(self.socket())
    }

    fn socket(&self) -> PathBuf {
        self.short.as_ref().unwrap_or(&self.folder).join(SOCKET)
    }

    fn log(&self) -> PathBuf {
        self.path("log")
    }

    /// The server's log so far, in bytes.
    pub(super) fn log_length(&self) -> usize {
        fsio::bytes(self.log()).map_or(0, |log| log.len())
    }

    /// The server's log from byte `from` on.
    pub(super) fn log_from(&self, from: usize) -> String {
        let log = fsio::bytes(self.log()).unwrap_or_default();
        String::from_utf8_lossy(log.get(from..).unwrap_or_default()).into_owned()
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
        lead(&mut variables, &self.address());
        variables
    }

    /// The changes of the environment for a build that uses this cache.
    pub(super) fn changes(&self) -> Vec<(OsString, Option<OsString>)> {
        let others = env::pairs(|name| name.starts_with("SCCACHE_"));
        let mut changes: Vec<_> = others.into_iter().map(|(name, _)| (name, None)).collect();
        let mut variables = self.variables();
        // The portable wrapper is to know nothing from before either.
        variables.push((MEMORY.into(), self.path("wrapper").into()));
        changes.extend(
            variables
                .into_iter()
                .map(|(name, value)| (name, Some(value))),
        );
        changes
    }

    /// Starts the server, which logs what becomes of each unit.
    pub(super) fn start(&self) -> Result<(), Problem> {
        let mut environment = bare_environment();
        environment.extend(self.variables());
        environment.push(("SCCACHE_LOG".into(), "sccache=debug".into()));
        environment.push(("SCCACHE_ERROR_LOG".into(), self.log().into()));
        let said = match self.program.run(&["--start-server"], environment, START) {
            Err(error) => format!("running {}: {error}", self.program.path.display()),
            Ok(Ended::Limit) => format!("nothing came of it in {} seconds", START.as_secs()),
            Ok(Ended::Itself(output)) if output.status.success() => return Ok(()),
            Ok(Ended::Itself(output)) => reason(&output.stderr),
        };
        Err(Problem::new(format!(
            "starting an sccache server to measure with: {said}"
        ))
        .hint("`sccfg verify --in-place` measures with the one that runs"))
    }

    /// Ends the server, whoever started it at this address, and the compilers below it.
    fn end_server(&self) {
        if end_server(&self.address()) == Found::Unknown {
            let mut environment = bare_environment();
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
    match listening(address) {
        Listening::Process(server) if server.owner == fsio::user() => {
            // Held, it starts no compiler between the look and its end.
            let _ = end(server.pid, End::Hold);
            let below = server.descendants();
            let _ = end(server.pid, End::Make);
            for process in below.iter().filter(|process| process.lives()) {
                let _ = end(process.pid, End::Make);
            }
            let asked = Instant::now();
            let lives = || server.lives() || below.iter().any(Descendant::lives);
            while lives() && asked.elapsed() < GONE {
                thread::sleep(Duration::from_millis(5));
            }
            Found::Known
        }
        Listening::Unknown => Found::Unknown,
        Listening::Process(_) | Listening::Hidden { .. } | Listening::Nobody => Found::Known,
    }
}

/// The folder of a run that was killed.
struct Left {
    folder: PathBuf,
    _lock: File,
}

/// The folders of this user in `parent` whose owner is gone.
fn left_behind(parent: &Path) -> Vec<Left> {
    let names = fsio::names_in(parent).into_iter();
    names
        .filter(|name| name.starts_with(PREFIX))
        .map(|name| parent.join(name))
        .filter(|folder| fsio::is_own_folder(folder) && fsio::exists(&folder.join(LOCK)))
        .filter_map(|folder| {
            let lock = fsio::lock_file(&folder.join(LOCK)).ok()?;
            lock.try_lock().ok()?;
            Some(Left {
                folder,
                _lock: lock,
            })
        })
        .collect()
}

impl Left {
    fn remove(&self) {
        end_server(&Address::Socket(self.folder.join(SOCKET)));
        worktree::forget(&self.folder.join(WORKTREE));
        let _ = fsio::remove_folder(&self.folder);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.end_server();
        let asked = Instant::now();
        for folder in [Some(&self.folder), self.short.as_ref()]
            .into_iter()
            .flatten()
        {
            // A compiler on its way out may still write.
            while fsio::remove_folder(folder).is_err() && asked.elapsed() < GONE {
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

fn folder_in(parent: &Path) -> Result<PathBuf, Problem> {
    fsio::new_folder(parent, PREFIX).map_err(|error| {
        Problem::new(format!("making a folder in {}: {error}", parent.display()))
            .hint("let TMPDIR name a folder that you can write to")
    })
}
