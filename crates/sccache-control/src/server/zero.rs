//! Setting a server's counters to zero.

use super::address::Address;
use super::asked::{LIMIT, lead, reason};
use super::client::{Runnable, bare_environment};
use super::process::Process;
use sccfg_util::problem::Problem;
use sccfg_util::proc::Ended;

/// Zeroes the counters of the server `process` at `address`, with the server's own program where
/// that can be run, else with `program`. There is a server: sccache would start one.
///
/// # Errors
/// When it does not answer, or refuses.
pub fn zero(
    program: &Runnable,
    process: Option<&Process>,
    address: &Address,
) -> Result<(), Problem> {
    let own = process.and_then(Process::program);
    let own = own.map(|own| Runnable { path: own.running });
    let mut environment = bare_environment();
    environment.push(("SCCACHE_CONF".into(), "/dev/null".into()));
    lead(&mut environment, address);
    let program = own.as_ref().unwrap_or(program);
    let said = match program.run(&["--zero-stats"], environment, LIMIT) {
        Err(error) => error.to_string(),
        Ok(Ended::Limit) => "it does not answer".to_owned(),
        Ok(Ended::Itself(output)) if output.status.success() => return Ok(()),
        Ok(Ended::Itself(output)) => reason(&output.stderr),
    };
    Err(Problem::new(format!(
        "setting the counters of the sccache server at {address} to zero: {said}"
    ))
    .hint("`sccfg server restart` starts anew"))
}
