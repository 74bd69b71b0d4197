//! How long a compile waits for sccache.
//!
//! A client may take minutes because its unit or others are compiled. So only the time counts in
//! which nothing is compiled: no process runs below the client or the server, and no shim holds the
//! server's lock. Where the server's process is not visible (systems without `/proc`, another PID
//! namespace), a server that answers is taken to work as well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Sccache;
use super::outage::Outage;
use sccache_control::server::address::Address;
use sccache_control::server::listener::{Listener, find_listener};
use sccache_control::server::process::{self, Process};
use sccfg_util::proc::{POLL_INTERVAL, Program};
use sccfg_util::wrapper_vars::TIMEOUT;
use sccfg_util::{env, fsio};

/// How long the compiles of a build wait, in all, while nothing is compiled.
const LIMIT: Duration = Duration::from_secs(6);
/// Looking at all processes takes too long for each tick.
const TICKS_PER_LOOK: u32 = 5;
/// How many ticks a server may take to answer a client that only checks whether it works.
const ANSWER_TICKS: u32 = 20;
/// How often a server that cannot be seen may be taken to work because it answers.
const MAX_ANSWERS: u32 = 100;

/// One compile that waits for a client of sccache.
pub(super) struct Waiting<'a> {
    outage: &'a Outage,
    program: &'a Path,
    address: &'a Address,
    busy_lock: Option<PathBuf>,
    limit: Duration,
    ticks: u32,
    /// In ticks, so that time in which all processes were stopped does not count.
    idle: Duration,
    is_busy: bool,
    server: Server,
    answers: u32,
}

enum Server {
    /// Not looked for yet, or no server listens.
    Unknown,
    Visible(Process),
    /// Something listens, but its process is not visible.
    Hidden,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(sccache: &'a Sccache) -> Self {
        let seconds = env::var(TIMEOUT).and_then(|text| text.trim().parse().ok());
        Self {
            outage: &sccache.outage,
            program: &sccache.program,
            address: &sccache.address,
            busy_lock: sccache.busy_lock(),
            limit: seconds.map_or(LIMIT, Duration::from_secs),
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

    /// How long nothing was compiled; not known of a server that cannot be seen.
    pub(super) fn idle(&self) -> Duration {
        match self.server {
            Server::Hidden => Duration::ZERO,
            Server::Unknown | Server::Visible(_) => self.idle,
        }
    }

    /// Whether to wait on for the client with this process ID; called at each tick.
    pub(super) fn may_continue(&mut self, client: u32) -> bool {
        self.ticks += 1;
        if self.ticks.is_multiple_of(TICKS_PER_LOOK) {
            self.is_busy = self.is_something_compiled(client);
        }
        if self.is_busy {
            return true;
        }
        self.idle += POLL_INTERVAL;
        // The failure of another compile may not keep this one from a result that is there already.
        if self.ticks < TICKS_PER_LOOK {
            return true;
        }
        if self.outage.has_begun() {
            return false;
        }
        self.outage.waited_with(self.idle) < self.limit || self.server_answers()
    }

    /// Whether something is compiled, for this compile or for another: then this one waits for its
    /// turn. A server runs no more compilers at once than the machine has processors.
    fn is_something_compiled(&mut self, client: u32) -> bool {
        // Below the client where sccache compiles there, or has lost its server.
        if process::has_running_children(client)
            || self.busy_lock.as_deref().is_some_and(fsio::is_locked)
        {
            return true;
        }
        if !matches!(&self.server, Server::Visible(server) if server.is_alive()) {
            self.server = match find_listener(self.address) {
                // What another program does is no compile.
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

    /// Whether a server that cannot be seen answers another client. Then the wait starts anew.
    fn server_answers(&mut self) -> bool {
        if !matches!(self.server, Server::Hidden) || self.answers >= MAX_ANSWERS {
            return false;
        }
        // It starts no server.
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
