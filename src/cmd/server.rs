//! `sccfg server`

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::Outcome;
use crate::cli::{self, Waiting};
use crate::report::Report;
use crate::session::{Purpose, Session, base_address, unusable_dir};
use sccache_control::server::activity::{Activity, sample};
use sccache_control::server::address::Address;
use sccache_control::server::desired_state::Difference;
use sccache_control::server::failing_unit::FailingUnit;
use sccache_control::server::probe::{Foreign, Probe, RunningServer};
use sccache_control::server::process::Process;
use sccache_control::server::query::Stats;
use sccache_control::server::supervisor::{EnsureOptions, ServerOutcome, Supervisor, describe};
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// How long `stop` and `restart` wait for builds by default, in seconds.
const DEFAULT_WAIT: u64 = 600;
/// How often [`settled`] samples again.
const SAMPLES: usize = 5;

pub(super) fn run(args: cli::Server, start: &Path, report: Report) -> Result<Outcome> {
    let session = Session::gather(start, Purpose::Env)?;
    let address = base_address();
    if let Some(obstacle) = session.obstacle() {
        return Err(obstacle.into());
    }
    let Some(supervisor) = session.supervisor() else {
        return Ok(Outcome::Drift);
    };
    if !matches!(args, cli::Server::Status { .. } | cli::Server::Stop(_)) {
        session.remember_size();
    }
    let (outcome, waiting) = match args {
        cli::Server::Status { json } => {
            let status = Status::of(&supervisor, &address)?;
            return Ok(status.print(json, report));
        }
        cli::Server::Start { json } => {
            let waiting = Waiting {
                wait: Some(0),
                force: false,
                json,
            };
            let outcome = match supervisor.query(&address) {
                Probe::Server(_) => None,
                probe @ (Probe::NotRunning | Probe::Foreign(_)) => {
                    Some(supervisor.ensure(&address, Some(probe), options(waiting, 0))?)
                }
            };
            let Some(outcome) = outcome else {
                return print("already running", &[], None, json, &address, report);
            };
            (outcome, waiting)
        }
        cli::Server::Stop(waiting) => {
            announce_wait(&supervisor, &address, waiting, DEFAULT_WAIT, report);
            let outcome = supervisor.stop(&address, options(waiting, DEFAULT_WAIT))?;
            (outcome, waiting)
        }
        cli::Server::Restart(waiting) => {
            announce_wait(&supervisor, &address, waiting, DEFAULT_WAIT, report);
            let outcome = supervisor.restart(&address, options(waiting, DEFAULT_WAIT))?;
            (outcome, waiting)
        }
        cli::Server::Ensure(waiting) => {
            announce_wait(&supervisor, &address, waiting, 0, report);
            let probe = supervisor.query(&address);
            let outcome = supervisor.ensure(&address, Some(probe), options(waiting, 0))?;
            if let Some(problem) = unusable_dir(&supervisor.desired) {
                report.warning(&problem);
            }
            (outcome, waiting)
        }
    };
    print_outcome(&outcome, waiting.json, &address, report)
}

/// Prints a note if builds have to be waited for.
fn announce_wait(
    supervisor: &Supervisor,
    address: &Address,
    waiting: Waiting,
    default: u64,
    report: Report,
) {
    let seconds = waiting.wait.unwrap_or(default);
    if waiting.force || seconds == 0 {
        return;
    }
    if let Probe::Server(running) = supervisor.query(address)
        && let Some(process) = &running.process
        && let Activity::Busy { .. } = settled(|| sample(process, address))
    {
        report.note(
            &Problem::new(format!(
                "waiting up to {seconds} seconds for running builds"
            ))
            .hint("press Ctrl-C to cancel; see `--wait` and `--force`"),
        );
    }
}

fn options(waiting: Waiting, default: u64) -> EnsureOptions {
    EnsureOptions {
        wait: Duration::from_secs(waiting.wait.unwrap_or(default)),
        force: waiting.force,
        start_if_absent: true,
        kill_unresponsive: waiting.force,
    }
}

fn print_outcome(
    outcome: &ServerOutcome,
    as_json: bool,
    address: &Address,
    report: Report,
) -> Result<Outcome> {
    let (word, differences, problem) = match outcome {
        ServerOutcome::UpToDate => ("up to date", &[][..], None),
        ServerOutcome::NotRunning => ("not running", &[][..], None),
        ServerOutcome::Started => ("started", &[][..], None),
        ServerOutcome::Restarted(differences) => ("restarted", differences.as_slice(), None),
        ServerOutcome::Stopped => ("stopped", &[][..], None),
        ServerOutcome::Unchanged(problem) => ("unchanged", &[][..], Some(problem)),
    };
    print(word, differences, problem, as_json, address, report)
}

fn print(
    word: &str,
    differences: &[Difference],
    problem: Option<&Problem>,
    as_json: bool,
    address: &Address,
    report: Report,
) -> Result<Outcome> {
    if as_json {
        let value = json!({
            "done": word,
            "address": address.json(),
            "differences": differences,
            "problem": problem.map(problem_json),
        });
        report.json(&value);
    } else if let Some(problem) = problem {
        return Err(problem.clone().into());
    } else if matches!(word, "up to date" | "not running" | "already running") {
        report.line(&format!("the sccache server at {address} is {word}"));
    } else if differences.is_empty() {
        report.done(word, &format!("the sccache server at {address}"));
    } else {
        let had = describe(differences);
        report.done(
            word,
            &format!("the sccache server at {address}: it had {had}"),
        );
    }
    Ok(match problem {
        Some(_) => Outcome::Drift,
        None => Outcome::Done,
    })
}

fn problem_json(problem: &Problem) -> Value {
    json!({ "what": problem.to_string(), "hint": problem.hint })
}

/// Something that does not respond.
struct Unresponsive {
    /// Its process, if that is known.
    process: Option<Process>,
}

/// The output of `status`.
struct Status<'a> {
    address: &'a Address,
    client: Option<String>,
    running: Option<Box<RunningServer>>,
    /// What listens and does not respond.
    unresponsive: Option<Unresponsive>,
    /// The service that is to run the server, and fails.
    service: Option<FailingUnit>,
    differences: Vec<Difference>,
    activity: Activity,
    problem: Option<Problem>,
}

impl<'a> Status<'a> {
    fn of(supervisor: &Supervisor, address: &'a Address) -> Result<Self, Problem> {
        let mut status = Self {
            address,
            client: supervisor
                .sccache
                .version(supervisor.runtime_dir.as_ref().ok()),
            running: None,
            unresponsive: None,
            service: None,
            differences: Vec::new(),
            activity: Activity::Unknown,
            problem: unusable_dir(&supervisor.desired),
        };
        let probe = supervisor.query(address);
        status.service = FailingUnit::find(!matches!(probe, Probe::NotRunning));
        match probe {
            Probe::NotRunning => {}
            Probe::Foreign(foreign) => {
                status.problem = Some(foreign.problem(address));
                if let Foreign::Unresponsive(process) = foreign {
                    status.unresponsive = Some(Unresponsive { process });
                }
            }
            Probe::Server(running) => {
                status.differences = supervisor.differences(&running, address)?;
                if let Some(process) = &running.process {
                    status.activity = settled(|| sample(process, address));
                }
                status.running = Some(running);
            }
        }
        if let Some(server) = status.version()
            && let Some(client) = &status.client
            && server != client
            && status.problem.is_none()
        {
            let problem = Problem::new(format!(
                "the server is sccache {server}, and the client is {client}"
            ));
            status.problem = Some(problem.hint(
                "not all versions are compatible: `sccfg hook` and `sccfg env` use a separate \
                 address for each",
            ));
        }
        if let Some(service) = &status.service
            && status.problem.is_none()
        {
            status.problem = Some(service.problem());
        }
        Ok(status)
    }

    fn version(&self) -> Option<&str> {
        self.running.as_ref()?.settings.version.as_deref()
    }

    fn stats(&self) -> Option<&Stats> {
        self.running.as_ref()?.stats.as_ref()
    }

    fn print(&self, as_json: bool, report: Report) -> Outcome {
        if as_json {
            report.json(&self.json());
        } else {
            report.text(&self.table());
            if let Some(problem) = &self.problem {
                report.warning(problem);
            }
        }
        let is_fine = self.problem.is_none() && self.differences.is_empty();
        if is_fine {
            Outcome::Done
        } else {
            Outcome::Drift
        }
    }

    fn json(&self) -> Value {
        let running = self.running.as_ref();
        let unresponsive = self.unresponsive.as_ref();
        let process = running
            .and_then(|running| running.process.as_ref())
            .or_else(|| unresponsive?.process.as_ref());
        let in_flight = match self.activity {
            Activity::Idle => json!({ "connections": 0, "compilers": 0 }),
            Activity::Busy {
                connections,
                compilers,
            } => json!({ "connections": connections, "compilers": compilers }),
            Activity::Unknown => Value::Null,
        };
        json!({
            "running": running.is_some() || self.unresponsive.is_some(),
            "responds": running.is_some(),
            "address": self.address.json(),
            "pid": process.map(|process| process.pid),
            "version": self.version(),
            "client_version": self.client,
            "location": running.map(|running| &running.settings.location),
            "used": self.stats().and_then(|stats| stats.used),
            "largest": running.and_then(|running| running.settings.max_size),
            "hits": self.stats().map(|stats| stats.sum("cache_hits")),
            "misses": self.stats().map(|stats| stats.sum("cache_misses")),
            "in_flight": in_flight,
            "service": self.service.as_ref().map(FailingUnit::json),
            "differences": self.differences,
            "problem": self.problem.as_ref().map(problem_json),
        })
    }

    fn table(&self) -> String {
        let mut out = String::new();
        let mut row = |name: &str, value: String| out.push_str(&format!("{name:10} {value}\n"));
        let unknown = || "unknown".to_owned();
        let version = |version: Option<&str>| version.map_or_else(unknown, str::to_owned);
        let described = |what: &str, process: Option<&Process>| {
            let pid = process.map(|process| format!(", process {}", process.pid));
            what.to_owned() + &pid.unwrap_or_default()
        };
        let running = self.running.as_deref();
        row(
            "server",
            match (running, &self.unresponsive) {
                (Some(running), _) => described("running", running.process.as_ref()),
                (None, Some(hung)) => described("does not respond", hung.process.as_ref()),
                (None, None) => "not running".to_owned(),
            },
        );
        if let Some(service) = &self.service {
            row("service", service.describe());
        }
        row("address", self.address.to_string());
        let client = version(self.client.as_deref());
        let Some(running) = running else {
            row("version", format!("{client} (client)"));
            return out;
        };
        let server = version(self.version());
        row("version", format!("{server} (client {client})"));
        row("location", running.settings.location.clone());
        let size = |size: Option<ByteSize>| size.map_or_else(unknown, ByteSize::rounded);
        let used = self.stats().and_then(|stats| stats.used);
        let limit = size(running.settings.max_size);
        let used = used.map_or_else(
            || format!("not measured yet, limit {limit}"),
            |used| format!("{} of {limit}", used.rounded()),
        );
        row("used", used);
        if let Some(stats) = self.stats() {
            let (hits, misses) = (stats.sum("cache_hits"), stats.sum("cache_misses"));
            row("hits", format!("{hits}, misses {misses}"));
        }
        row(
            "in use",
            match self.activity {
                Activity::Idle => "no".to_owned(),
                Activity::Busy {
                    connections,
                    compilers,
                } => format!("{connections} connections, {compilers} compilers"),
                Activity::Unknown => "unknown".to_owned(),
            },
        );
        for difference in &self.differences {
            row(
                "differs",
                format!(
                    "{} {}, not {} ({})",
                    difference.setting, difference.server, difference.desired, difference.source
                ),
            );
        }
        out
    }
}

/// Samples again until the connection of sccfg's own query is closed.
fn settled(sample: impl Fn() -> Activity) -> Activity {
    let mut activity = sample();
    for _ in 0..SAMPLES {
        if activity == Activity::Idle {
            break;
        }
        thread::sleep(Duration::from_millis(5));
        activity = sample();
    }
    activity
}
