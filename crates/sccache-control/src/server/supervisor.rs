//! Reconciles a running server with its desired state: probe, compare, and only if they differ take
//! the lock, probe again, check that no build uses the server, and restart it.

mod ensure;
mod restart;

use std::time::Duration;

use super::activity::{self, Activity};
use super::address::Address;
use super::desired_state::{DesiredState, Difference, Rule};
use super::lock::{self, Lock};
use super::probe::{Probe, RunningServer, probe, query};
use super::probe_cache::SccacheAnswer;
use super::program::SccacheProgram;
use super::query::{Settings, query_without_server};
use super::runtime_dir::RuntimeDir;
use super::start::server_environment;
use crate::remote::secret_command;
use sccfg_util::problem::Problem;

/// The pause between two attempts while builds run.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Starts, stops and restarts the server of a shell.
#[derive(Debug, Clone)]
pub struct Supervisor {
    /// The sccache of this shell.
    pub sccache: SccacheProgram,
    /// What a server should be.
    pub desired: DesiredState,
    /// Where locks and cached probes are kept, or why there is no such directory.
    pub runtime_dir: Result<RuntimeDir, Problem>,
}

/// What [`Supervisor`] may do to reach its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnsureOptions {
    /// How long to wait for running builds to end.
    pub wait: Duration,
    /// Whether to interrupt running builds.
    pub force: bool,
    /// Whether to start a server if none is running. If not, the first build starts one, with the
    /// variables of its shell.
    pub start_if_absent: bool,
    /// Whether to kill a server that does not respond.
    pub kill_unresponsive: bool,
}

/// What [`Supervisor`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerOutcome {
    /// The server was in the desired state already.
    UpToDate,
    /// No server is running, and none was started.
    NotRunning,
    /// A server was started.
    Started,
    /// The server was restarted, because of these differences.
    Restarted(Vec<Difference>),
    /// The server was stopped.
    Stopped,
    /// The server differs from the desired state, and was left running for this reason.
    Unchanged(Problem),
}

impl Supervisor {
    fn runtime_dir(&self) -> Option<&RuntimeDir> {
        self.runtime_dir.as_ref().ok()
    }

    /// Probes `address`. The result may come from an earlier query of the same process.
    pub fn probe(&self, address: &Address) -> Probe {
        probe(address, &self.sccache, self.runtime_dir())
    }

    /// Probes `address` and queries the server, so that the result has current statistics.
    pub fn query(&self, address: &Address) -> Probe {
        query(address, &self.sccache, self.runtime_dir())
    }

    /// The settings of `running` that differ from the desired state.
    ///
    /// # Errors
    /// When sccache has to be run to find the desired state, and rejects its configuration.
    pub fn differences(
        &self,
        running: &RunningServer,
        address: &Address,
    ) -> Result<Vec<Difference>, Problem> {
        let Rule::AskSccache(question) = self.desired.rule else {
            return Ok(self.desired.differences(&running.settings, None));
        };
        let cached = running.cached.as_ref();
        let known = cached.and_then(|cached| cached.sccache_answer.clone());
        let answer = if let Some(answer) = known.filter(|answer| answer.question == question) {
            answer
        } else {
            let answer = SccacheAnswer {
                question,
                settings: self.settings_by_sccache()?,
            };
            if let (Some(cached), Some(runtime_dir)) = (cached, self.runtime_dir()) {
                let mut cached = cached.clone();
                cached.sccache_answer = Some(answer.clone());
                cached.write(runtime_dir, address);
            }
            answer
        };
        let answer = Some(&answer.settings);
        Ok(self.desired.differences(&running.settings, answer))
    }

    fn settings_by_sccache(&self) -> Result<Settings, Problem> {
        let mut environment = server_environment(&self.desired);
        environment.extend(secret_command::variables_to_open(&self.desired.file)?);
        match query_without_server(&self.sccache.executable, environment) {
            Ok(stats) => Ok(stats.settings),
            Err(error) => Err(Problem::new(format!(
                "sccache could not load {}: {error}",
                self.desired.file.display()
            ))
            .hint("run `sccfg config check`")),
        }
    }

    fn lock(&self, address: &Address) -> Result<Lock, Problem> {
        let runtime_dir = self.runtime_dir.as_ref().map_err(Clone::clone)?;
        Lock::acquire(runtime_dir, address, lock::RESTART_TIMEOUT)?.ok_or_else(|| {
            Problem::new(format!(
                "another sccfg has held the lock of the server at {address} for {} seconds",
                lock::RESTART_TIMEOUT.as_secs()
            ))
            .hint("find the `sccfg` process that hangs, and kill it")
        })
    }
}

fn watch(running: &RunningServer, address: &Address) -> Activity {
    match &running.process {
        Some(process) => activity::watch(process, address),
        None => Activity::Unknown,
    }
}

fn unknown_activity() -> Problem {
    Problem::new("could not determine whether builds use the sccache server; left it running")
        .hint("when no build is running: `sccfg server restart --force`")
}

/// `size 10GiB instead of 24GiB`
pub fn describe(differences: &[Difference]) -> String {
    let described: Vec<String> = differences
        .iter()
        .map(|difference| {
            format!(
                "{} {} instead of {}",
                difference.setting, difference.server, difference.desired
            )
        })
        .collect();
    if described.is_empty() {
        return "the settings of the file".to_owned();
    }
    described.join(" and ")
}

fn restart_failed(differences: &[Difference]) -> Problem {
    Problem::new(format!(
        "the sccache server has {}, even after a restart",
        describe(differences)
    ))
    .hint("something starts it with variables of its own: see `sccfg server status`")
}
