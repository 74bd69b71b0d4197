//! What is at an address: from the memo where that still holds, else from the system and by asking.

use std::fmt;
use std::time::Duration;

use super::address::Address;
use super::asked::{self, NoStats, Settings, Stats};
use super::client::{Client, Runnable};
use super::lock::Lock;
use super::memo::Memo;
use super::process::{Listening, Process, listening};
use super::runtime::Runtime;
use sccfg_util::fsio::{self, FileId};
use sccfg_util::problem::Problem;

/// How long a shell waits for one that is asking already, before it asks by itself.
const TURN: Duration = Duration::from_secs(2);

/// What is at an address.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Nobody listens.
    Nobody,
    /// A server of this user.
    Server(Box<Running>),
    /// Somebody with whom nothing can be done.
    Stranger(Stranger),
}

/// A server that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Its process, where that can be seen.
    pub process: Option<Process>,
    /// The file of its program.
    pub program: Option<FileId>,
    /// What it said.
    pub settings: Settings,
    /// The rest of what it said, if it was asked just now.
    pub stats: Option<Stats>,
    /// What else is remembered of it.
    pub memo: Option<Memo>,
}

/// Somebody who listens and is no server for this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stranger {
    /// A server, or whatever else, of another user.
    OtherUser(u32),
    /// Some other program.
    Other {
        /// Its process number.
        pid: u32,
        /// Its name.
        name: String,
    },
    /// Somebody who takes connections and never answers.
    Hung(Option<Process>),
    /// Somebody who answers otherwise than a server of sccache.
    Odd(String),
}

impl Stranger {
    /// The problem that this is for whoever needs a server at `address`.
    pub fn problem(&self, address: &Address) -> Problem {
        const ELSEWHERE: &str = "end it, or let SCCACHE_SERVER_PORT or SCCACHE_SERVER_UDS name \
                                 another address; `sccfg hook` and `sccfg env` do that";
        match self {
            Self::OtherUser(user) => Problem::new(format!(
                "the server at {address} belongs to another user (number {user})"
            ))
            .hint(
                "let SCCACHE_SERVER_PORT or SCCACHE_SERVER_UDS name an address of your own; \
                 `sccfg hook` and `sccfg env` do that",
            ),
            Self::Other { pid, name } => Problem::new(format!(
                "{address} is taken by `{name}` (process {pid}), which is no sccache server"
            ))
            .hint(ELSEWHERE),
            Self::Hung(process) => {
                let who = Who(process.as_ref());
                Problem::new(format!(
                    "the sccache server at {address}{who} does not answer"
                ))
                .hint("builds wait for ever on it: `sccfg server restart --force` ends it")
            }
            Self::Odd(said) => Problem::new(format!(
                "what listens at {address} does not answer like an sccache server: {said}"
            ))
            .hint(ELSEWHERE),
        }
    }
}

struct Who<'a>(Option<&'a Process>);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, " (process {})", process.pid),
            None => Ok(()),
        }
    }
}

/// What is at `address`. Shells that open together ask one after the other, so that all but the
/// first find a memo.
pub fn look(address: &Address, client: &Client, runtime: Option<&Runtime>) -> Seen {
    if let Some(seen) = remembered(address, runtime) {
        return seen;
    }
    let turn = runtime.map(|runtime| Lock::take(runtime, address, TURN));
    if turn.is_some()
        && let Some(seen) = remembered(address, runtime)
    {
        return seen;
    }
    ask(address, client, runtime)
}

/// What is at `address`, for who holds its lock.
pub(super) fn look_locked(address: &Address, client: &Client, runtime: Option<&Runtime>) -> Seen {
    remembered(address, runtime).unwrap_or_else(|| ask(address, client, runtime))
}

/// The server that is remembered, if it is still there.
pub fn remembered(address: &Address, runtime: Option<&Runtime>) -> Option<Seen> {
    let memo = Memo::read(runtime?, address)?;
    Some(Seen::Server(Box::new(Running {
        process: Some(memo.process.clone()),
        program: Some(memo.program),
        settings: memo.settings.clone(),
        stats: None,
        memo: Some(memo),
    })))
}

/// What is at `address`, asked anew.
pub fn ask(address: &Address, client: &Client, runtime: Option<&Runtime>) -> Seen {
    let process = match listening(address) {
        Listening::Nobody => return Seen::Nobody,
        Listening::Process(process) => Some(process),
        Listening::Hidden { owner: Some(owner) } if owner != fsio::user() => {
            return Seen::Stranger(Stranger::OtherUser(owner));
        }
        Listening::Hidden { .. } | Listening::Unknown => None,
    };
    if let Some(process) = &process {
        if process.owner != fsio::user() {
            return Seen::Stranger(Stranger::OtherUser(process.owner));
        }
        if !process.is_sccache() {
            return Seen::Stranger(Stranger::Other {
                pid: process.pid,
                name: process.name(),
            });
        }
    }
    let program = process.as_ref().and_then(Process::program);
    let own = program.as_ref().map(|program| Runnable {
        path: program.running.clone(),
    });
    let stats = match asked::ask(own.as_ref().unwrap_or(&client.program), address) {
        Ok(stats) => stats,
        // It may have ended meanwhile.
        Err(_) if listening(address) == Listening::Nobody => return Seen::Nobody,
        Err(NoStats::Hung) => return Seen::Stranger(Stranger::Hung(process)),
        Err(NoStats::Failed(said)) => return Seen::Stranger(Stranger::Odd(said)),
    };
    let program = program.map(|program| program.id);
    let memo = process.clone().zip(program).map(|(process, program)| Memo {
        process,
        program,
        settings: stats.settings.clone(),
        wanted: None,
        in_vain: None,
    });
    if let (Some(memo), Some(runtime)) = (&memo, runtime)
        && memo.process.still_listens(address)
    {
        memo.write(runtime, address);
    }
    Seen::Server(Box::new(Running {
        process,
        program,
        settings: stats.settings.clone(),
        stats: Some(stats),
        memo,
    }))
}
