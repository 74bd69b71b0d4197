//! `sccfg stats`

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Outcome;
use super::local_store::failed;
use crate::cli;
use crate::report::Report;
use crate::session::{Purpose, Session, base_address};
use crate::user_store::UserStore;
use sccache_control::cache::{Contents, local_dir};
use sccache_control::server::address::Address;
use sccache_control::server::probe::{Probe, RunningServer};
use sccache_control::server::supervisor::Supervisor;
use sccache_control::server::zero_stats::zero_stats;
use sccache_control::stats::reasons::{explain, explain_fault};
use sccache_control::stats::view::{SccacheView, StoreView, Usage, View};
use sccache_control::stats::{Count, Tally};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::printed;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// The pause between two queries of `--watch`.
const PAUSE: Duration = Duration::from_millis(500);
/// How often `--watch` checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

pub(super) fn run(args: cli::Stats, start: &Path, report: Report) -> Result<Outcome> {
    let session = Session::gather(start, Purpose::Env)?;
    if let Some(obstacle) = session.obstacle() {
        return Err(obstacle.into());
    }
    let Some(supervisor) = session.supervisor() else {
        return Ok(Outcome::Drift);
    };
    let address = base_address();
    if args.watch {
        return watch(&supervisor, &address, args.json, report);
    }
    let found = query(&supervisor, &address)?;
    if args.json {
        report.json(&found.json(&address));
    } else {
        report.text(&found.view.text());
    }
    if args.zero {
        let is_reset = reset(&found, &supervisor, &address)?;
        if !args.json && is_reset {
            report.done("reset", "the statistics");
        } else if !is_reset {
            report.warning(
                &Problem::new("there are no statistics to reset: no server runs, and no local store is in use")
                    .hint("sccfg server start"),
            );
        }
    }
    Ok(Outcome::Done)
}

/// The counters of the server and the store in one line; `None` if neither is there.
pub(super) fn summary(start: &Path) -> Option<String> {
    let session = Session::gather(start, Purpose::Env).ok()?;
    let found = query(&session.supervisor()?, &base_address()).ok()?;
    let is_empty = found.view.sccache.is_none() && found.view.store.is_none();
    (!is_empty).then(|| found.view.line())
}

/// Starts all counters at zero again. Returns whether there are any.
fn reset(found: &Found, supervisor: &Supervisor, address: &Address) -> Result<bool> {
    if let Some(running) = &found.running {
        zero_stats(
            &supervisor.sccache.executable,
            running.process.as_ref(),
            address,
        )?;
    }
    let store = UserStore::in_use()?;
    if let Some(store) = &store {
        let reset = store.store.reset_counters();
        reset.map_err(|error| failed("reset the counters of", &store.store, &error))?;
    }
    Ok(found.running.is_some() || store.is_some())
}

/// The statistics to print.
struct Found {
    /// The server, if it runs and has statistics.
    running: Option<Box<RunningServer>>,
    view: View,
}

fn query(supervisor: &Supervisor, address: &Address) -> Result<Found, Problem> {
    let store = UserStore::in_use()?.map(|store| store.view());
    let running = match supervisor.query(address) {
        Probe::NotRunning => None,
        Probe::Foreign(foreign) => return Err(foreign.problem(address)),
        Probe::Server(running) => Some(running),
    };
    let with_stats = |running: Box<RunningServer>| Some((running.stats.clone()?, running));
    let Some((stats, running)) = running.and_then(with_stats) else {
        return Ok(Found {
            running: None,
            view: View {
                server: format!("not running at {address}"),
                sccache: None,
                store,
            },
        });
    };
    let settings = &running.settings;
    let version = settings.version.as_deref().unwrap_or("of unknown version");
    let pid = running.process.as_ref().map(|process| process.pid);
    let process = pid.map_or_else(String::new, |pid| format!(", process {pid}"));
    let view = View {
        server: format!("sccache {version} at {address}{process}"),
        sccache: Some(SccacheView {
            location: settings.location.clone(),
            usage: Usage {
                used: stats.used.or_else(|| measure(&settings.location)),
                max_size: settings.max_size,
            },
            tally: Tally::from_stats(&stats),
        }),
        store,
    };
    Ok(Found {
        running: Some(running),
        view,
    })
}

/// Measures the cache, which a server does only at its first compile.
fn measure(location: &str) -> Option<ByteSize> {
    let contents = Contents::read(&local_dir(location)?).ok()?;
    Some(contents.size())
}

impl Found {
    fn json(&self, address: &Address) -> Value {
        let View { sccache, store, .. } = &self.view;
        let counts = self.view.counts();
        let languages: serde_json::Map<String, Value> = counts
            .iter()
            .map(|(language, count)| (language.to_owned(), count_json(count)))
            .collect();
        let all = counts.all();
        let mut json = json!({
            "running": self.running.is_some(),
            "address": address.json(),
            "hits": all.hits,
            "misses": all.misses,
            "rate": all.rate(),
            "languages": languages,
            "sccache": sccache.as_ref().map(|sccache| count_json(sccache.tally.all())),
            "store": store.as_ref().map(store_json),
        });
        if let (Some(running), Some(sccache), Some(object)) =
            (&self.running, sccache, json.as_object_mut())
        {
            object.extend(server_json(running, sccache));
        }
        json
    }
}

fn count_json(count: Count) -> Value {
    json!({ "hits": count.hits, "misses": count.misses, "rate": count.rate() })
}

fn store_json(store: &StoreView) -> Value {
    let count = store.tally.by_language().all();
    json!({
        "hits": count.hits,
        "misses": count.misses,
        "rate": count.rate(),
        "languages": store.tally,
        "directory": store.directory,
        "used": store.usage.used,
        "largest": store.usage.max_size,
    })
}

/// The statistics of a running server.
fn server_json(running: &RunningServer, sccache: &SccacheView) -> serde_json::Map<String, Value> {
    let tally = &sccache.tally;
    let reasons: Vec<Value> = tally
        .not_cacheable
        .iter()
        .map(|(reason, count)| {
            let known = explain(reason);
            json!({
                "reason": reason,
                "count": count,
                "meaning": known.meaning,
                "advice": known.advice,
            })
        })
        .collect();
    let faults: Vec<Value> = tally
        .faults
        .iter()
        .map(|(name, count)| {
            let (meaning, advice) = explain_fault(name);
            json!({ "fault": name, "count": count, "meaning": meaning, "advice": advice })
        })
        .collect();
    [
        (
            "pid",
            json!(running.process.as_ref().map(|process| process.pid)),
        ),
        ("version", json!(running.settings.version)),
        ("location", json!(sccache.location)),
        ("used", json!(sccache.usage.used)),
        ("largest", json!(sccache.usage.max_size)),
        ("not_cacheable", reasons.into()),
        ("faults", faults.into()),
        (
            "saved_seconds",
            json!(tally.saved().map(|saved| saved.as_secs_f64())),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect()
}

/// Prints the statistics whenever they change, until Ctrl-C.
fn watch(
    supervisor: &Supervisor,
    address: &Address,
    as_json: bool,
    report: Report,
) -> Result<Outcome> {
    let interrupt = Interrupt::catch().context("could not install a handler for Ctrl-C")?;
    let in_place = Report::is_terminal_output();
    let mut shown = String::new();
    let mut last = None;
    while !interrupt.is_received() {
        let found = query(supervisor, address)?;
        if as_json {
            let object = found.json(address);
            if last.as_ref() != Some(&object) {
                report.json_line(&object);
                last = Some(object);
            }
        } else {
            let is_empty = found.view.sccache.is_none() && found.view.store.is_none();
            let now = if in_place || is_empty {
                found.view.text()
            } else {
                found.view.line() + "\n"
            };
            if now != shown {
                let up = match (in_place, shown.lines().count()) {
                    (true, lines) if lines > 0 => format!("\x1b[{lines}A\x1b[J"),
                    _ => String::new(),
                };
                report.data(&(up + &printed::text(&now)));
                shown = now;
            }
        }
        let queried = Instant::now();
        while queried.elapsed() < PAUSE && !interrupt.is_received() {
            thread::sleep(TICK);
        }
    }
    Ok(Outcome::Done)
}
