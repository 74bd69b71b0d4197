//! Resets a server's statistics.

use super::address::Address;
use super::process::{Process, ProcessExe};
use super::program::{Executable, minimal_environment};
use super::query::{QUERY_TIMEOUT, error_summary, set_address};
use sccfg_util::problem::Problem;
use sccfg_util::proc::Completion;

/// Resets the statistics of the server `process` at `address`, with the server's own program if that
/// can be run, otherwise with `program`. The server has to be running: sccache would start one.
///
/// # Errors
/// When it does not respond, or refuses.
pub fn zero_stats(
    program: &Executable,
    process: Option<&Process>,
    address: &Address,
) -> Result<(), Problem> {
    let exe = process.and_then(Process::exe);
    let own = exe.as_ref().map(ProcessExe::executable);
    let mut environment = minimal_environment();
    environment.push(("SCCACHE_CONF".into(), "/dev/null".into()));
    set_address(&mut environment, address);
    let program = own.as_ref().unwrap_or(program);
    let reason = match program.run(&["--zero-stats"], environment, QUERY_TIMEOUT) {
        Err(error) => error.to_string(),
        Ok(Completion::TimedOut) => "it does not respond".to_owned(),
        Ok(Completion::Exited(output)) if output.status.success() => return Ok(()),
        Ok(Completion::Exited(output)) => error_summary(&output.stderr),
    };
    Err(Problem::new(format!(
        "could not reset the statistics of the sccache server at {address}: {reason}"
    ))
    .hint("`sccfg server restart` resets them as well"))
}
