//! Functions whose calls by a build script or a macro are noted (`observer/own_calls.rs`).

use std::collections::BTreeSet;

/// Functions that return the time.
pub(crate) const CLOCK: [&str; 8] = [
    "clock",
    "clock_gettime",
    "ftime",
    "getrusage",
    "gettimeofday",
    "time",
    "times",
    "timespec_get",
];

/// Functions that return random numbers.
pub(crate) const RANDOM: [&str; 10] = [
    "arc4random",
    "arc4random_buf",
    "arc4random_uniform",
    "drand48",
    "getentropy",
    "getrandom",
    "lrand48",
    "mrand48",
    "rand",
    "random",
];

/// Functions that return the current directory.
pub(crate) const CURRENT_DIR: [&str; 5] = [
    "__getcwd_chk",
    "__getwd_chk",
    "get_current_dir_name",
    "getcwd",
    "getwd",
];

/// Whether one of `calls` returns the current directory.
pub(crate) fn ask_for_current_dir(calls: &BTreeSet<String>) -> bool {
    calls
        .iter()
        .any(|call| CURRENT_DIR.contains(&call.as_str()))
}
