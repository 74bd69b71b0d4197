//! How long a compile waits for sccache. A client may take minutes because its unit or others are compiled. So time counts only
//! while nothing is compiled: neither the client nor the server has a running child process, and no shim holds the server's
//! lock. If the server's process is not visible (systems without `/proc`, another PID namespace), a server that answers queries
//! is assumed to work.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Sccache;
use super::outage::Outage;
use sccache_control::server::address::Address;
use sccache_control::server::listener::{Listener, find_listener};
use sccache_control::server::process::{self, Process};
use sccfg_util::fsio;
use sccfg_util::proc::{POLL_INTERVAL, Program};
use sccfg_util::wrapper_vars;

/// How long the compiles of a build wait in total while nothing is compiled.
const LIMIT: Duration = Duration::from_secs(6);
/// The number of ticks between two scans of all processes, which take too long for each tick.
const TICKS_PER_LOOK: u32 = 5;
/// The number of ticks in which a server must answer a query.
const ANSWER_TICKS: u32 = 20;
/// How often a server whose process is not visible may be assumed to work because it answers.
const MAX_ANSWERS: u32 = 100;

/// One compile that waits for a client of sccache.
pub(super) struct Waiting<'a> {
    outage: &'a Outage,
    program: &'a Path,
    address: &'a Address,
    busy_lock: Option<PathBuf>,
    limit: Duration,
    ticks: u32,
    /// The time in which nothing was compiled, counted in ticks, so that time in which all processes were suspended does not
    /// count.
    idle: Duration,
    is_busy: bool,
    server: Server,
    answers: u32,
}

enum Server {
    /// Not searched for yet, or no server listens.
    Unknown,
    Visible(Process),
    /// Something listens, but its process is not visible.
    Hidden,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(sccache: &'a Sccache) -> Self {
        Self {
            outage: &sccache.outage,
            program: &sccache.program,
            address: &sccache.address,
            busy_lock: sccache.busy_lock(),
            limit: wrapper_vars::timeout().unwrap_or(LIMIT),
            ticks: 0,
            idle: Duration::ZERO,
            is_busy: false,
            server: Server::Unknown,
            answers: 0,
        }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// How long nothing was compiled; zero if the server's process is not visible.
    pub(super) fn idle(&self) -> Duration {
        match self.server {
            Server::Hidden => Duration::ZERO,
            Server::Unknown | Server::Visible(_) => self.idle,
        }
    }

    /// Whether to continue waiting for the client with this process ID. Called at each tick.
    pub(super) fn may_continue(&mut self, client: u32) -> bool {
        self.ticks += 1;
        if self.ticks.is_multiple_of(TICKS_PER_LOOK) {
            self.is_busy = self.is_something_compiled(client);
        }
        if self.is_busy {
            return true;
        }
        self.idle += POLL_INTERVAL;
        // A failure of another compile must not discard a result that is available already.
        if self.ticks < TICKS_PER_LOOK {
            return true;
        }
        if self.outage.has_begun() {
            return false;
        }
        self.outage.waited_with(self.idle) < self.limit || self.server_answers()
    }

    /// Whether something is compiled, for this compile or another one, for whose end this one may have to wait: a server runs
    /// at most as many compilers at once as the machine has processors.
    fn is_something_compiled(&mut self, client: u32) -> bool {
        // sccache's client itself runs the compiler for some compiles, and if it has lost its server.
        if process::has_running_children(client)
            || self.busy_lock.as_deref().is_some_and(fsio::is_locked)
        {
            return true;
        }
        if !matches!(&self.server, Server::Visible(server) if server.is_alive()) {
            self.server = match find_listener(self.address) {
                // Children of another program are not compiles.
                Listener::Process(server) if server.is_sccache() => Server::Visible(server),
                Listener::Process(_) | Listener::None => Server::Unknown,
                Listener::Hidden { .. } | Listener::Unknown => Server::Hidden,
            };
        }
        match &self.server {
            Server::Visible(server) => process::has_running_children(server.pid),
            Server::Unknown | Server::Hidden => false,
        }
    }

    /// Whether a server whose process is not visible answers another client. If so, the wait starts again.
    fn server_answers(&mut self) -> bool {
        if !matches!(self.server, Server::Hidden) || self.answers >= MAX_ANSWERS {
            return false;
        }
        // `--show-stats` starts no server.
        let question = Program {
            path: self.program,
            args: &["--show-stats".into()],
            changes: &[],
            directory: None,
        };
        let mut ticks = 0;
        let answer = question.output_while(
            |_| {
                ticks += 1;
                ticks < ANSWER_TICKS
            },
            |_| {},
        );
        let answers = matches!(answer, Ok(Some(_)));
        if answers {
            self.answers += 1;
            self.idle = Duration::ZERO;
        }
        answers
    }
}
