//! Stopping a server.

use std::thread;
use std::time::{Duration, Instant};

use super::address::Address;
use super::asked::{lead, reason};
use super::client::{Runnable, bare_environment};
use super::process::{Listening, Process, listening};
use sccfg_util::problem::Problem;
use sccfg_util::proc::{End, Ended, end};

/// How long sccache may take to pass the word on.
const ANSWER: Duration = Duration::from_secs(4);
/// A server that was told to stop gives compiles ten seconds (`SHUTDOWN_TIMEOUT` in sccache's
/// `server.rs`), and then ends.
const GRACE: Duration = Duration::from_secs(12);

/// What to do with a server that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deaf {
    /// Leave it alone.
    Leave,
    /// End its process.
    End,
}

/// Stops the server at `address`, and waits until it has gone. The caller holds the lock.
///
/// # Errors
/// When it does not answer and is to be left alone, or does not go.
pub fn stop(
    program: &Runnable,
    process: Option<&Process>,
    address: &Address,
    deaf: Deaf,
) -> Result<(), Problem> {
    let mut environment = bare_environment();
    environment.push(("SCCACHE_CONF".into(), "/dev/null".into()));
    lead(&mut environment, address);
    let said = match program.run(&["--stop-server"], environment, ANSWER) {
        Err(error) => error.to_string(),
        Ok(Ended::Limit) => "it does not answer".to_owned(),
        Ok(Ended::Itself(output)) if output.status.success() => {
            return wait(process, address);
        }
        Ok(Ended::Itself(output)) => reason(&output.stderr),
    };
    match process {
        Some(process) if !process.lives() => Ok(()),
        Some(process) if deaf == Deaf::End => kill(process, address),
        _ => Err(
            Problem::new(format!("stopping the sccache server at {address}: {said}"))
                .hint("`sccfg server stop --force` ends its process"),
        ),
    }
}

fn kill(process: &Process, address: &Address) -> Result<(), Problem> {
    for (how, patience) in [(End::Ask, 2), (End::Make, 5)] {
        if let Err(error) = end(process.pid, how, || process.lives())
            && process.lives()
        {
            return Err(
                Problem::new(format!("ending process {}: {error}", process.pid))
                    .hint("it belongs to another user; ask that one to stop it"),
            );
        }
        if gone(Duration::from_secs(patience), || !process.lives()) {
            return Ok(());
        }
    }
    Err(still_there(address))
}

fn wait(process: Option<&Process>, address: &Address) -> Result<(), Problem> {
    let has_gone = || match process {
        Some(process) => !process.lives(),
        None => listening(address) == Listening::Nobody,
    };
    if gone(GRACE, has_gone) {
        return Ok(());
    }
    Err(still_there(address))
}

fn still_there(address: &Address) -> Problem {
    Problem::new(format!(
        "the sccache server at {address} was told to stop, and has not"
    ))
    .hint("`sccfg server stop --force` ends its process")
}

fn gone(patience: Duration, has_gone: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !has_gone() {
        if started.elapsed() > patience {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}
