//! Whether a server can be restarted without anybody noticing.

use std::thread;
use std::time::Duration;

use super::address::Address;
use super::process::{self, Process};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(40);
/// How many looks in a row have to find nothing: half a second, longer than cargo takes from one
/// unit to the next.
const LOOKS: usize = 13;
/// Looks at the beginning that may still find our own question on its way out.
const GRACE: usize = 3;

/// What a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Nothing, for half a second.
    Idle,
    /// Somebody needs it.
    Busy {
        /// Clients that are connected.
        connections: usize,
        /// Compilers that run below it.
        compilers: usize,
    },
    /// This system does not say.
    Unknown,
}

/// What the server at `address` is doing this moment.
pub fn glance(process: &Process, address: &Address) -> Activity {
    let Some(connections) = process::connections(address).filter(|_| process.is_known()) else {
        return Activity::Unknown;
    };
    let compilers = process.children().len();
    if connections == 0 && compilers == 0 {
        return Activity::Idle;
    }
    Activity::Busy {
        connections,
        compilers,
    }
}

/// What the server at `address` is doing, from several looks: one alone may fall between two units
/// of a build.
pub fn watch(process: &Process, address: &Address) -> Activity {
    let mut last = glance(process, address);
    for look in 1..LOOKS + GRACE {
        match last {
            Activity::Unknown => break,
            Activity::Busy { .. } if look > GRACE => break,
            Activity::Busy { .. } | Activity::Idle => {}
        }
        thread::sleep(PAUSE);
        last = glance(process, address);
    }
    last
}
