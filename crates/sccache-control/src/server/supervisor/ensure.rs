//! `ensure`: brings the server into the desired state. If several shells open at once, only one of
//! them restarts it.

use std::thread;
use std::time::Instant;

use super::{
    EnsureOptions, RETRY_PAUSE, ServerOutcome, Supervisor, describe, restart_failed,
    unknown_activity, watch,
};
use crate::server::activity::Activity;
use crate::server::address::Address;
use crate::server::desired_state::Difference;
use crate::server::probe::{Foreign, Probe, RunningServer, probe_locked};
use crate::server::start::StartError;
use sccfg_util::problem::Problem;

/// How often other processes may start a server first before `ensure` gives up.
const MAX_LOST_RACES: usize = 5;

/// What to do after a probe.
enum Action {
    Nothing(ServerOutcome),
    /// Start a server, after killing one that does not respond.
    Start,
    Restart(Box<RunningServer>, Vec<Difference>),
}

/// The result of one attempt under the lock.
enum Attempt {
    Done(ServerOutcome),
    /// The server was left running, because builds use it or may use it.
    InUse(Problem),
    /// Another process started a server first.
    LostRace,
}

impl Supervisor {
    /// Brings the server at `address` into the desired state. `probed` is the result of an earlier
    /// probe, if there was one.
    ///
    /// # Errors
    /// If another program or another user's server listens there, if the lock cannot be acquired,
    /// if sccache rejects its configuration, if no server starts, or if other processes keep
    /// starting servers with other settings.
    pub fn ensure(
        &self,
        address: &Address,
        probed: Option<Probe>,
        options: EnsureOptions,
    ) -> Result<ServerOutcome, Problem> {
        let started = Instant::now();
        let mut probed = probed;
        let mut lost_races = 0;
        loop {
            let probe = probed.take().unwrap_or_else(|| self.probe(address));
            if let Action::Nothing(outcome) = self.action(probe, address, options)? {
                return Ok(outcome);
            }
            match self.attempt(address, options)? {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::InUse(reason) => {
                    log::info!("the server is in use: {reason}");
                    if started.elapsed() >= options.wait {
                        return Ok(ServerOutcome::Unchanged(reason));
                    }
                    thread::sleep(RETRY_PAUSE);
                }
                Attempt::LostRace if lost_races < MAX_LOST_RACES => lost_races += 1,
                Attempt::LostRace => {
                    return Err(Problem::new(format!(
                        "other processes keep starting servers with other settings at {address}"
                    ))
                    .hint("wait until the build with other sccache variables has ended"));
                }
            }
        }
    }

    /// Decides what to do after `probe` of `address`.
    fn action(
        &self,
        probe: Probe,
        address: &Address,
        options: EnsureOptions,
    ) -> Result<Action, Problem> {
        let running = match probe {
            Probe::NotRunning => {
                log::info!("no server is running at {address}");
                return Ok(if options.start_if_absent {
                    Action::Start
                } else {
                    Action::Nothing(ServerOutcome::NotRunning)
                });
            }
            Probe::Foreign(Foreign::Unresponsive(Some(_))) if options.kill_unresponsive => {
                return Ok(Action::Start);
            }
            Probe::Foreign(foreign) => return Err(foreign.problem(address)),
            Probe::Server(running) => running,
        };
        let differences = self.differences(&running, address)?;
        if differences.is_empty() {
            log::info!("the server at {address} is up to date");
            return Ok(Action::Nothing(ServerOutcome::UpToDate));
        }
        log::info!("the server at {address} has {}", describe(&differences));
        // A restart that did not change the settings is not repeated.
        let cached = running.cached.as_ref();
        let failed_restart = cached.and_then(|cached| cached.failed_restart);
        if !options.force && failed_restart == Some(self.desired.digest()) {
            let problem = restart_failed(&differences);
            return Ok(Action::Nothing(ServerOutcome::Unchanged(problem)));
        }
        Ok(Action::Restart(running, differences))
    }

    /// Probes again under the lock, and starts or restarts the server if that is still required.
    fn attempt(&self, address: &Address, options: EnsureOptions) -> Result<Attempt, Problem> {
        let _lock = self.lock(address)?;
        let probe = probe_locked(address, &self.sccache, self.runtime_dir());
        let (running, differences) = match self.action(probe, address, options)? {
            Action::Nothing(outcome) => return Ok(Attempt::Done(outcome)),
            Action::Start => (None, Vec::new()),
            Action::Restart(running, differences) => (Some(running), differences),
        };
        if let Some(running) = &running
            && !options.force
            && let Some(reason) = in_use(running, address, &differences)
        {
            return Ok(Attempt::InUse(reason));
        }
        match self.replace(running.as_deref(), address, options) {
            Ok(()) => self
                .verify(running.is_some(), differences, address)
                .map(Attempt::Done),
            Err(StartError::AddressInUse) => Ok(Attempt::LostRace),
            Err(StartError::Failed(problem)) => Err(problem),
        }
    }
}

/// Why the server cannot be restarted now, or `None` if it can.
fn in_use(
    running: &RunningServer,
    address: &Address,
    differences: &[Difference],
) -> Option<Problem> {
    match watch(running, address) {
        Activity::Idle => None,
        Activity::Busy { .. } => Some(
            Problem::new(format!(
                "the sccache server has {} and is in use; left it running",
                describe(differences)
            ))
            .hint("the next shell tries again; `sccfg server ensure --wait 600` waits for it"),
        ),
        Activity::Unknown => Some(unknown_activity()),
    }
}
