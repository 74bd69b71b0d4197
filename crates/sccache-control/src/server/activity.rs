//! Whether a server is in use.

use std::thread;
use std::time::Duration;

use super::address::Address;
use super::listener;
use super::process::Process;

/// The pause between two samples.
const PAUSE: Duration = Duration::from_millis(40);
/// How many samples in a row have to be idle: half a second, longer than cargo takes from one unit
/// to the next.
const IDLE_SAMPLES: usize = 13;
/// How many of the first samples may still see the connection of sccfg's own query.
const OWN_QUERY_SAMPLES: usize = 3;

/// What a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// No client and no compiler.
    Idle,
    /// Builds use it.
    Busy {
        /// How many clients are connected.
        connections: usize,
        /// How many compilers run below it.
        compilers: usize,
    },
    /// The system does not tell.
    Unknown,
}

/// What the server at `address` is doing at this moment.
pub fn sample(process: &Process, address: &Address) -> Activity {
    let Some(connections) = listener::connections(address).filter(|_| process.has_known_socket())
    else {
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

/// What the server at `address` is doing, from several samples: a single one may fall between two
/// units of a build.
pub(super) fn watch(process: &Process, address: &Address) -> Activity {
    let mut last = sample(process, address);
    for number in 1..IDLE_SAMPLES + OWN_QUERY_SAMPLES {
        match last {
            Activity::Unknown => break,
            Activity::Busy { .. } if number > OWN_QUERY_SAMPLES => break,
            Activity::Busy { .. } | Activity::Idle => {}
        }
        thread::sleep(PAUSE);
        last = sample(process, address);
    }
    last
}
