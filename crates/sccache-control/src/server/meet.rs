//! Which address a shell takes. Projects pin different nixpkgs, so different versions of sccache
//! meet at one address, and there is no handshake: a client of 0.16 with a server of 0.19 makes
//! cargo fail. Whoever is there keeps the address; a client that does not fit gets one of its own,
//! the same for all clients of its version.

use super::address::Address;
use super::client::Client;
use super::look::{Running, Seen, Stranger, look, remembered};
use super::process::{Listening, listening};
use super::runtime::Runtime;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The address that a shell takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Meeting {
    /// Where.
    pub address: Address,
    /// Whether this is not the address that the environment names.
    pub is_own: bool,
    /// What is there, if it was looked at.
    pub seen: Option<Seen>,
    /// Why the environment's address cannot be used, where the user should know.
    pub notice: Option<Problem>,
}

/// Finds the address for `client`, where `base` is the one that the environment names.
pub fn meet(base: Address, client: &Client, runtime: Option<&Runtime>) -> Meeting {
    let seen = look(&base, client, runtime);
    let fits = match &seen {
        Seen::Server(running) => fits(running, client, runtime),
        Seen::Nobody => nobody_of_our_version_elsewhere(client, runtime),
        Seen::Stranger(Stranger::Hung(_)) => true,
        Seen::Stranger(_) => false,
    };
    let notice = match &seen {
        Seen::Stranger(stranger) if !fits => Some(stranger.problem(&base)),
        _ => None,
    };
    let own = (!fits).then(|| own(client, runtime)).flatten();
    match own.filter(|own| *own != base) {
        None => Meeting {
            address: base,
            is_own: false,
            seen: Some(seen),
            notice: None,
        },
        Some(address) => Meeting {
            notice: notice.map(|mut problem| {
                problem.hint = Some(format!("this shell uses {address} instead"));
                problem
            }),
            address,
            is_own: true,
            seen: None,
        },
    }
}

/// The same without a word to any server: what was not asked before, is taken as fitting.
pub fn meet_silently(base: Address, client: &Client, runtime: Option<&Runtime>) -> Meeting {
    let fits = match remembered(&base, runtime) {
        Some(Seen::Server(running)) => fits(&running, client, runtime),
        _ => match listening(&base) {
            Listening::Nobody => nobody_of_our_version_elsewhere(client, runtime),
            Listening::Process(process) => process.owner == fsio::user() && process.is_sccache(),
            Listening::Hidden { owner } => owner.is_none_or(|owner| owner == fsio::user()),
            Listening::Unknown => true,
        },
    };
    let own = (!fits).then(|| own(client, runtime)).flatten();
    let own = own.filter(|own| *own != base);
    Meeting {
        is_own: own.is_some(),
        address: own.unwrap_or(base),
        seen: None,
        notice: None,
    }
}

/// Whether the client is of the server's version: surely if they are the same file, without any
/// process.
fn fits(server: &Running, client: &Client, runtime: Option<&Runtime>) -> bool {
    if server.program == Some(client.id) {
        return true;
    }
    match (&server.settings.version, client.version(runtime)) {
        (Some(server), Some(client)) => *server == client,
        _ => true,
    }
}

/// Nobody is at the address of the environment; then shells of one version stay together where
/// they are, rather than run two servers over one directory.
fn nobody_of_our_version_elsewhere(client: &Client, runtime: Option<&Runtime>) -> bool {
    own(client, runtime).is_none_or(|own| remembered(&own, runtime).is_none())
}

fn own(client: &Client, runtime: Option<&Runtime>) -> Option<Address> {
    Some(runtime?.address_of_version(&client.version(runtime)?))
}
