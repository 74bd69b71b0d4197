//! Functions that a script of the workspace called, and whose results depend on more than files and variables
//! (`observer/own_calls.rs`). Values that are constant on a machine are inputs of the run. A run with other values is not stored.

use std::collections::BTreeSet;

use crate::observation::own_calls::{CLOCK, CURRENT_DIR, RANDOM};
use crate::observed_inputs::machine_values::MachineValue;
use crate::uncacheable::Uncacheable;

/// The values that `calls` return and that are constant on a machine.
///
/// # Errors
/// If a call may return another value each time. With `is_timeless`, reads of the clock are ignored.
pub(super) fn values(
    calls: &BTreeSet<String>,
    is_timeless: bool,
) -> Result<BTreeSet<MachineValue>, Uncacheable> {
    let calls = calls.iter().map(String::as_str);
    let calls = calls.filter(|call| !CURRENT_DIR.contains(call));
    let calls = calls.filter(|call| !(is_timeless && CLOCK.contains(call)));
    calls
        .map(|call| match call {
            "sched_getaffinity" => Ok(MachineValue::Processors),
            "getegid" | "geteuid" | "getgid" | "getlogin" | "getlogin_r" | "getpwnam"
            | "getpwnam_r" | "getpwuid" | "getpwuid_r" | "getuid" => Ok(MachineValue::User),
            "gethostid" | "gethostname" | "uname" => Ok(MachineValue::Host),
            call if CLOCK.contains(&call) => Err(Uncacheable::ScriptClock),
            call if RANDOM.contains(&call) => Err(Uncacheable::ScriptRandom),
            _ => Err(Uncacheable::ScriptMachine),
        })
        .collect()
}
