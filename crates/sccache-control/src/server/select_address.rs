//! Selects the address that a shell uses. Projects pin different nixpkgs, so different versions of
//! sccache share one address, and their protocol has no version check: a client of 0.16 with a server
//! of 0.19 makes cargo fail. The server that is running keeps the address; a client of another
//! version uses an address of its own, the same for all clients of that version.

use super::address::Address;
use super::listener::{Listener, find_listener};
use super::probe::{Foreign, Probe, RunningServer, cached_probe, probe_in_turn, without_listener};
use super::program::SccacheProgram;
use super::runtime_dir::{RuntimeDir, knows_sockets};
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The address that a shell uses.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressChoice {
    /// The address.
    pub address: Address,
    /// Whether this is the address of one version, not the one that the environment names.
    pub is_dedicated: bool,
    /// What runs there, if it was probed.
    pub probe: Option<Probe>,
    /// Why the environment's address cannot be used, if the user should know.
    pub notice: Option<Problem>,
}

/// Selects the address for `sccache`; `base` is the one that the environment names.
pub fn select_address(
    base: Address,
    sccache: &SccacheProgram,
    runtime_dir: Option<&RuntimeDir>,
) -> AddressChoice {
    let probe = probe_in_turn(&base, sccache, runtime_dir);
    let fits = match &probe {
        Probe::Server(running) => is_same_version(running, sccache, runtime_dir),
        Probe::NotRunning => {
            knows(&base, sccache, runtime_dir) && !runs_at_dedicated_address(sccache, runtime_dir)
        }
        Probe::Foreign(Foreign::Unresponsive(_)) => true,
        Probe::Foreign(_) => false,
    };
    let notice = match &probe {
        Probe::Foreign(foreign) if !fits => Some(foreign.problem(&base)),
        _ => None,
    };
    let dedicated = (!fits).then(|| dedicated(sccache, runtime_dir)).flatten();
    match dedicated.filter(|dedicated| *dedicated != base) {
        None => AddressChoice {
            address: base,
            is_dedicated: false,
            probe: Some(probe),
            notice: None,
        },
        Some(address) => AddressChoice {
            notice: notice
                .map(|problem| problem.hint(format!("this shell uses {address} instead"))),
            address,
            is_dedicated: true,
            probe: None,
        },
    }
}

/// As [`select_address`], without querying a server: one that was never queried counts as of the
/// same version.
pub fn select_address_without_query(
    base: Address,
    sccache: &SccacheProgram,
    runtime_dir: Option<&RuntimeDir>,
) -> AddressChoice {
    let fits = match cached_probe(&base, runtime_dir) {
        Some(Probe::Server(running)) => is_same_version(&running, sccache, runtime_dir),
        _ => match find_listener(&base) {
            Listener::None => {
                without_listener(&base) == Probe::NotRunning
                    && knows(&base, sccache, runtime_dir)
                    && !runs_at_dedicated_address(sccache, runtime_dir)
            }
            Listener::Process(process) => {
                process.owner == fsio::current_uid() && process.is_sccache()
            }
            Listener::Hidden { owner } => owner.is_none_or(|owner| owner == fsio::current_uid()),
            Listener::Unknown => true,
        },
    };
    let dedicated = (!fits).then(|| dedicated(sccache, runtime_dir)).flatten();
    let dedicated = dedicated.filter(|dedicated| *dedicated != base);
    AddressChoice {
        is_dedicated: dedicated.is_some(),
        address: dedicated.unwrap_or(base),
        probe: None,
        notice: None,
    }
}

/// Whether the server has the version of `sccache`; no process is needed if they are one file.
fn is_same_version(
    server: &RunningServer,
    sccache: &SccacheProgram,
    runtime_dir: Option<&RuntimeDir>,
) -> bool {
    if server.program == Some(sccache.id) {
        return true;
    }
    match (&server.settings.version, sccache.version(runtime_dir)) {
        (Some(server), Some(sccache)) => *server == sccache,
        _ => true,
    }
}

/// Whether `sccache` can use `address`: old versions ignore the variable that names a socket.
fn knows(address: &Address, sccache: &SccacheProgram, runtime_dir: Option<&RuntimeDir>) -> bool {
    match address {
        Address::Port(_) => true,
        Address::Socket(_) => {
            let version = sccache.version(runtime_dir);
            version.is_none_or(|version| knows_sockets(&version))
        }
    }
}

/// Whether a server runs at the dedicated address. Shells of one version then stay there, so that no
/// two servers manage one directory.
fn runs_at_dedicated_address(sccache: &SccacheProgram, runtime_dir: Option<&RuntimeDir>) -> bool {
    dedicated(sccache, runtime_dir)
        .is_some_and(|dedicated| cached_probe(&dedicated, runtime_dir).is_some())
}

fn dedicated(sccache: &SccacheProgram, runtime_dir: Option<&RuntimeDir>) -> Option<Address> {
    Some(runtime_dir?.address_of_version(&sccache.version(runtime_dir)?))
}
