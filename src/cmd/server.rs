//! `sccfg server`

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::Outcome;
use crate::cli::{self, Waiting};
use crate::report::Report;
use crate::session::{Purpose, Session, base_address, unusable_dir};
use sccache_control::server::address::Address;
use sccache_control::server::asked::Stats;
use sccache_control::server::ensure::{Absent, Done, Keeper, Manners, Patience, describe};
use sccache_control::server::idle::{Activity, glance};
use sccache_control::server::look::{Running, Seen};
use sccache_control::server::wanted::Difference;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// How long `stop` and `restart` wait for builds to end, in seconds.
const LONG: u64 = 600;

/// Runs a subcommand.
pub(super) fn run(args: cli::Server, start: &Path, report: Report) -> Result<Outcome> {
    let session = Session::gather(start, Purpose::Env)?;
    let address = base_address();
    if let Some(obstacle) = session.obstacle() {
        return Err(obstacle.into());
    }
    let Some(keeper) = session.keeper() else {
        return Ok(Outcome::Drift);
    };
    match args {
        cli::Server::Status { json } => Ok(Status::of(&keeper, &address)?.tell(json, report)),
        cli::Server::Start { json } => {
            let done = match keeper.look(&address) {
                Seen::Server(_) => Done::InLine,
                Seen::Nobody | Seen::Stranger(_) => {
                    keeper.ensure(&address, None, patience(Waiting::NOW, 0))?
                }
            };
            tell(&done, "runs already", json, &address, report)
        }
        cli::Server::Stop(waiting) => {
            announce(&keeper, &address, waiting, LONG, report);
            let done = keeper.stop(&address, patience(waiting, LONG))?;
            tell(&done, "stopped", waiting.json, &address, report)
        }
        cli::Server::Restart(waiting) => {
            announce(&keeper, &address, waiting, LONG, report);
            let done = keeper.restart(&address, patience(waiting, LONG))?;
            tell(&done, "restarted", waiting.json, &address, report)
        }
        cli::Server::Ensure(waiting) => {
            announce(&keeper, &address, waiting, 0, report);
            let done = keeper.ensure(&address, None, patience(waiting, 0))?;
            if let Some(problem) = unusable_dir(&keeper.wanted) {
                report.warning(&problem);
            }
            tell(&done, "in line", waiting.json, &address, report)
        }
    }
}

impl Waiting {
    const NOW: Self = Self {
        wait: Some(0),
        force: false,
        json: false,
    };
}

/// Says that there is something to wait for, before anybody wonders.
fn announce(keeper: &Keeper, address: &Address, waiting: Waiting, default: u64, report: Report) {
    let seconds = waiting.wait.unwrap_or(default);
    if waiting.force || seconds == 0 {
        return;
    }
    if let Seen::Server(running) = keeper.look(address)
        && let Some(process) = &running.process
        && let Activity::Busy { .. } = settled(|| glance(process, address))
    {
        report.note(
            &Problem::new(format!(
                "builds are in flight: waiting up to {seconds} seconds for their end"
            ))
            .hint("Ctrl-C leaves the server as it is; `--wait` and `--force` change how long"),
        );
    }
}

fn patience(waiting: Waiting, default: u64) -> Patience {
    Patience {
        wait: Duration::from_secs(waiting.wait.unwrap_or(default)),
        manners: if waiting.force {
            Manners::Force
        } else {
            Manners::Wait
        },
        absent: Absent::Start,
    }
}

fn tell(
    done: &Done,
    in_line: &str,
    as_json: bool,
    address: &Address,
    report: Report,
) -> Result<Outcome> {
    let (word, differences) = match done {
        Done::InLine => (in_line, &[][..]),
        Done::NotRunning => ("not running", &[][..]),
        Done::Started => ("started", &[][..]),
        Done::Restarted(differences) => ("restarted", differences.as_slice()),
        Done::Left(_) => ("left as it is", &[][..]),
    };
    let problem = match done {
        Done::Left(problem) => Some(problem),
        _ => None,
    };
    if as_json {
        let value = json!({
            "done": word,
            "address": address.json(),
            "differences": differences,
            "problem": problem.map(problem_json),
        });
        report.data(&format!("{value}\n"));
    } else if let Some(problem) = problem {
        return Err(problem.clone().into());
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

/// What `status` tells.
struct Status<'a> {
    address: &'a Address,
    client: Option<String>,
    running: Option<Box<Running>>,
    differences: Vec<Difference>,
    activity: Activity,
    problem: Option<Problem>,
}

impl<'a> Status<'a> {
    fn of(keeper: &Keeper, address: &'a Address) -> Result<Self, Problem> {
        let mut status = Self {
            address,
            client: keeper.client.version(keeper.runtime.as_ref().ok()),
            running: None,
            differences: Vec::new(),
            activity: Activity::Unknown,
            problem: unusable_dir(&keeper.wanted),
        };
        match keeper.ask(address) {
            Seen::Nobody => {}
            Seen::Stranger(stranger) => status.problem = Some(stranger.problem(address)),
            Seen::Server(running) => {
                status.differences = keeper.differences(&running, address)?;
                if let Some(process) = &running.process {
                    status.activity = settled(|| glance(process, address));
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
                "the server is sccache {server}, and the client here is {client}"
            ));
            status.problem = Some(problem.hint(
                "versions do not always understand each other: `sccfg hook` and `sccfg env` give \
                 each an address of its own",
            ));
        }
        Ok(status)
    }

    fn version(&self) -> Option<&str> {
        self.running.as_ref()?.settings.version.as_deref()
    }

    fn stats(&self) -> Option<&Stats> {
        self.running.as_ref()?.stats.as_ref()
    }

    fn tell(&self, as_json: bool, report: Report) -> Outcome {
        if as_json {
            report.data(&format!("{}\n", self.json()));
        } else {
            report.data(&self.table());
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
        let process = running.and_then(|running| running.process.as_ref());
        let in_flight = match self.activity {
            Activity::Idle => json!({ "connections": 0, "compilers": 0 }),
            Activity::Busy {
                connections,
                compilers,
            } => json!({ "connections": connections, "compilers": compilers }),
            Activity::Unknown => Value::Null,
        };
        json!({
            "running": running.is_some(),
            "address": self.address.json(),
            "pid": process.map(|process| process.pid),
            "version": self.version(),
            "client_version": self.client,
            "location": running.map(|running| &running.settings.location),
            "used": self.stats().and_then(|stats| stats.used),
            "largest": running.and_then(|running| running.settings.largest),
            "hits": self.stats().map(|stats| stats.sum("cache_hits")),
            "misses": self.stats().map(|stats| stats.sum("cache_misses")),
            "in_flight": in_flight,
            "differences": self.differences,
            "problem": self.problem.as_ref().map(problem_json),
        })
    }

    fn table(&self) -> String {
        let mut out = String::new();
        let mut row = |name: &str, value: String| out.push_str(&format!("{name:10} {value}\n"));
        let unknown = || "unknown".to_owned();
        let version = |version: Option<&str>| version.map_or_else(unknown, str::to_owned);
        let process = |running: &Running| {
            let pid = running.process.as_ref().map(|process| process.pid);
            pid.map_or("running".to_owned(), |pid| {
                format!("running, process {pid}")
            })
        };
        let running = self.running.as_deref();
        row("server", running.map_or("not running".to_owned(), process));
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
        let used = used.map_or("not counted yet".to_owned(), ByteSize::rounded);
        row(
            "used",
            format!("{used} of {}", size(running.settings.largest)),
        );
        if let Some(stats) = self.stats() {
            let (hits, misses) = (stats.sum("cache_hits"), stats.sum("cache_misses"));
            row("hits", format!("{hits}, misses {misses}"));
        }
        row(
            "in flight",
            match self.activity {
                Activity::Idle => "nothing".to_owned(),
                Activity::Busy {
                    connections,
                    compilers,
                } => format!("{connections} connected, {compilers} compilers"),
                Activity::Unknown => "cannot be seen here".to_owned(),
            },
        );
        for it in &self.differences {
            row(
                "differs",
                format!(
                    "{} {}, not {} ({})",
                    it.setting, it.server, it.wanted, it.source
                ),
            );
        }
        out
    }
}

/// Looks again until our own question has left the server.
fn settled(glance: impl Fn() -> Activity) -> Activity {
    let mut activity = glance();
    for _ in 0..5 {
        if activity == Activity::Idle {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        activity = glance();
    }
    activity
}
