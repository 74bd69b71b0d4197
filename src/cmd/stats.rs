//! `sccfg stats`

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Outcome;
use crate::cli;
use crate::report::Report;
use crate::session::{Purpose, Session, base_address};
use sccache_control::cache::{Contents, local_dir};
use sccache_control::server::address::Address;
use sccache_control::server::probe::{Probe, RunningServer};
use sccache_control::server::supervisor::Supervisor;
use sccache_control::server::zero_stats::zero_stats;
use sccache_control::stats::reasons::{explain, explain_fault};
use sccache_control::stats::{Tally, view::View};
use sccfg_util::interrupt::Interrupt;
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
        report.data(&format!("{:#}\n", in_json(found.as_ref(), &address)));
    } else {
        report.data(&in_text(found.as_ref(), &address));
    }
    if let (true, Some((running, _))) = (args.zero, &found) {
        zero_stats(
            &supervisor.sccache.executable,
            running.process.as_ref(),
            &address,
        )?;
        if !args.json {
            report.done("reset", "the statistics");
        }
    }
    Ok(Outcome::Done)
}

/// The running server and its statistics; `None` if none is running.
fn query(
    supervisor: &Supervisor,
    address: &Address,
) -> Result<Option<(Box<RunningServer>, View)>, Problem> {
    let running = match supervisor.query(address) {
        Probe::NotRunning => return Ok(None),
        Probe::Foreign(foreign) => return Err(foreign.problem(address)),
        Probe::Server(running) => running,
    };
    let Some(stats) = &running.stats else {
        return Ok(None);
    };
    let settings = &running.settings;
    let version = settings.version.as_deref().unwrap_or("of unknown version");
    let pid = running.process.as_ref().map(|process| process.pid);
    let process = pid.map_or_else(String::new, |pid| format!(", process {pid}"));
    let view = View {
        server: format!("sccache {version} at {address}{process}"),
        location: settings.location.clone(),
        used: stats.used.or_else(|| measure(&settings.location)),
        max_size: settings.max_size,
        tally: Tally::from_stats(stats),
    };
    Ok(Some((running, view)))
}

/// Measures the cache, which a server does only at its first compile.
fn measure(location: &str) -> Option<ByteSize> {
    let contents = Contents::read(&local_dir(location)?).ok()?;
    Some(contents.size())
}

fn in_text(found: Option<&(Box<RunningServer>, View)>, address: &Address) -> String {
    match found {
        Some((_, view)) => view.text(),
        None => format!("{:10} not running at {address}\n", "server"),
    }
}

fn in_json(found: Option<&(Box<RunningServer>, View)>, address: &Address) -> Value {
    let address = address.json();
    let Some((running, view)) = found else {
        return json!({ "running": false, "address": address });
    };
    let tally = &view.tally;
    let languages: serde_json::Map<String, Value> = tally
        .languages()
        .into_iter()
        .map(|language| {
            let count = tally.of_language(language);
            let value = json!({ "hits": count.hits, "misses": count.misses, "rate": count.rate() });
            (language.to_owned(), value)
        })
        .collect();
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
    json!({
        "running": true,
        "address": address,
        "pid": running.process.as_ref().map(|process| process.pid),
        "version": running.settings.version,
        "location": view.location,
        "used": view.used,
        "largest": view.max_size,
        "hits": tally.all().hits,
        "misses": tally.all().misses,
        "rate": tally.all().rate(),
        "languages": languages,
        "not_cacheable": reasons,
        "faults": faults,
        "saved_seconds": tally.saved().map(|saved| saved.as_secs_f64()),
    })
}

/// Prints the statistics whenever they change, until Ctrl-C.
fn watch(
    supervisor: &Supervisor,
    address: &Address,
    as_json: bool,
    report: Report,
) -> Result<Outcome> {
    let interrupt = Interrupt::catch().context("could not install a handler for Ctrl-C")?;
    let in_place = Report::is_terminal_output() && !as_json;
    let mut shown = String::new();
    while !interrupt.is_received() {
        let found = query(supervisor, address)?;
        let now = match (&found, as_json, in_place) {
            (found, true, _) => in_json(found.as_ref(), address).to_string() + "\n",
            (found, false, true) => in_text(found.as_ref(), address),
            (Some((_, view)), false, false) => view.line() + "\n",
            (None, false, false) => in_text(None, address),
        };
        if now != shown {
            let up = match (in_place, shown.lines().count()) {
                (true, lines) if lines > 0 => format!("\x1b[{lines}A\x1b[J"),
                _ => String::new(),
            };
            report.data(&(up + &now));
            shown = now;
        }
        let queried = Instant::now();
        while queried.elapsed() < PAUSE && !interrupt.is_received() {
            thread::sleep(TICK);
        }
    }
    Ok(Outcome::Done)
}
