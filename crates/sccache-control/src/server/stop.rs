//! Stopping a server.

use std::thread;
use std::time::{Duration, Instant};

use super::address::Address;
use super::listener::{Listener, find_listener};
use super::process::Process;
use super::program::{Executable, minimal_environment};
use super::query::{error_summary, set_address};
use sccfg_util::problem::Problem;
use sccfg_util::proc::{Completion, Signal, send_signal};

/// How long `sccache --stop-server` may take to reach the server.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a server may take to exit: it gives compiles ten seconds (`SHUTDOWN_TIMEOUT` in
/// sccache's `server.rs`).
const EXIT_TIMEOUT: Duration = Duration::from_secs(12);

/// Stops the server at `address`, and waits until it has exited. The caller holds the lock.
///
/// # Errors
/// When it does not respond and `kill_unresponsive` is not set, or does not exit.
pub(super) fn stop(
    program: &Executable,
    process: Option<&Process>,
    address: &Address,
    kill_unresponsive: bool,
) -> Result<(), Problem> {
    let mut environment = minimal_environment();
    environment.push(("SCCACHE_CONF".into(), "/dev/null".into()));
    set_address(&mut environment, address);
    let reason = match program.run(&["--stop-server"], environment, STOP_TIMEOUT) {
        Err(error) => error.to_string(),
        Ok(Completion::TimedOut) => "it does not respond".to_owned(),
        Ok(Completion::Exited(output)) if output.status.success() => {
            return wait(process, address);
        }
        Ok(Completion::Exited(output)) => error_summary(&output.stderr),
    };
    match process {
        Some(process) if !process.is_alive() => Ok(()),
        Some(process) if kill_unresponsive => kill(process, address),
        _ => Err(Problem::new(format!(
            "could not stop the sccache server at {address}: {reason}"
        ))
        .hint("`sccfg server stop --force` kills its process")),
    }
}

fn kill(process: &Process, address: &Address) -> Result<(), Problem> {
    for (signal, seconds) in [(Signal::Term, 2), (Signal::Kill, 5)] {
        if let Err(error) = send_signal(process.pid, signal, || process.is_alive())
            && process.is_alive()
        {
            return Err(
                Problem::new(format!("could not kill process {}: {error}", process.pid))
                    .hint("it belongs to another user; ask them to stop it"),
            );
        }
        if has_exited(Duration::from_secs(seconds), || !process.is_alive()) {
            return Ok(());
        }
    }
    Err(still_running(address))
}

fn wait(process: Option<&Process>, address: &Address) -> Result<(), Problem> {
    let exited = || match process {
        Some(process) => !process.is_alive(),
        None => find_listener(address) == Listener::None,
    };
    if has_exited(EXIT_TIMEOUT, exited) {
        return Ok(());
    }
    Err(still_running(address))
}

fn still_running(address: &Address) -> Problem {
    Problem::new(format!(
        "the sccache server at {address} is still running after it was told to stop"
    ))
    .hint("`sccfg server stop --force` kills its process")
}

fn has_exited(timeout: Duration, check: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !check() {
        if started.elapsed() > timeout {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}
