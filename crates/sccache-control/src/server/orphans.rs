//! Servers that no client can reach: a second server on one Unix socket replaces the socket of the first,
//! which goes on with the same cache directory until it is idle for long enough.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::address::{Address, SOCKET};
use super::listener::{Listener, find_listener, listening_inodes};
use super::process::{Process, variables_of};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;
use sccfg_util::proc::{Signal, send_signal};

/// A server whose socket belongs to another one, or was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its process.
    pub process: Process,
    /// The socket that it was started for.
    pub socket: PathBuf,
}

/// The orphaned servers of this user that were started with variables for which `is_wanted`; none where
/// there is no `/proc`.
pub fn orphans(is_wanted: impl Fn(&BTreeMap<String, String>) -> bool) -> Vec<Orphan> {
    let user = fsio::current_uid();
    fsio::numbers_in("/proc")
        .filter(|pid| fsio::owner_uid(format!("/proc/{pid}")) == Some(user))
        .filter_map(|pid| orphan(pid, user, &is_wanted))
        .collect()
}

fn orphan(
    pid: u32,
    user: u32,
    is_wanted: &impl Fn(&BTreeMap<String, String>) -> bool,
) -> Option<Orphan> {
    let name = fsio::read_bytes(format!("/proc/{pid}/comm"))?;
    if !String::from_utf8_lossy(&name).contains("sccache") {
        return None;
    }
    let variables = variables_of(pid, |_| true);
    let socket = PathBuf::from(variables.get(SOCKET)?);
    if !variables.contains_key("SCCACHE_START_SERVER")
        || !socket.is_absolute()
        || !is_wanted(&variables)
    {
        return None;
    }
    let address = Address::Socket(socket.clone());
    // A process that starts has no socket yet.
    let process = Process::new(pid, user, &listening_inodes(&address), &address)?;
    if !process.has_known_socket() {
        return None;
    }
    let is_replaced = match find_listener(&address) {
        Listener::None => true,
        Listener::Process(other) => other.pid != pid,
        Listener::Hidden { .. } | Listener::Unknown => false,
    };
    is_replaced.then_some(Orphan { process, socket })
}

impl Orphan {
    /// Ends it, unless a compiler runs below it.
    ///
    /// # Errors
    /// When one does, or the process cannot be ended.
    pub fn end(&self) -> Result<(), Problem> {
        let pid = self.process.pid;
        if !self.process.children().is_empty() {
            return Err(Problem::new(format!("a compiler runs below process {pid}"))
                .hint("run the command again once that build has ended"));
        }
        let ended = send_signal(pid, Signal::Term, || self.process.is_alive());
        match ended {
            Err(error) if self.process.is_alive() => Err(Problem::new(format!(
                "could not end process {pid}: {error}"
            ))),
            _ => Ok(()),
        }
    }
}
