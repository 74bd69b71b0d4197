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
use sccache_control::cache::{Contents, dir_of};
use sccache_control::server::address::Address;
use sccache_control::server::ensure::Keeper;
use sccache_control::server::look::{Running, Seen};
use sccache_control::server::zero::zero;
use sccache_control::stats::reasons::{explain, fault};
use sccache_control::stats::{Tally, view::View};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// Between two looks of `--watch`.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks at whether somebody wants to end.
const TICK: Duration = Duration::from_millis(50);

pub(super) fn run(args: cli::Stats, start: &Path, report: Report) -> Result<Outcome> {
    let session = Session::gather(start, Purpose::Env)?;
    if let Some(obstacle) = session.obstacle() {
        return Err(obstacle.into());
    }
    let Some(keeper) = session.keeper() else {
        return Ok(Outcome::Drift);
    };
    let address = base_address();
    if args.watch {
        return watch(&keeper, &address, args.json, report);
    }
    let seen = look(&keeper, &address)?;
    if args.json {
        report.data(&format!("{:#}\n", in_json(seen.as_ref(), &address)));
    } else {
        report.data(&in_text(seen.as_ref(), &address));
    }
    if let (true, Some((running, _))) = (args.zero, &seen) {
        zero(&keeper.client.program, running.process.as_ref(), &address)?;
        if !args.json {
            report.done("zeroed", "the counters");
        }
    }
    Ok(Outcome::Done)
}

/// A server and what it counted; `None` where none runs.
fn look(keeper: &Keeper, address: &Address) -> Result<Option<(Box<Running>, View)>, Problem> {
    let running = match keeper.ask(address) {
        Seen::Nobody => return Ok(None),
        Seen::Stranger(stranger) => return Err(stranger.problem(address)),
        Seen::Server(running) => running,
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
        used: stats.used.or_else(|| count(&settings.location)),
        largest: settings.largest,
        tally: Tally::of(stats),
    };
    Ok(Some((running, view)))
}

/// A server that has compiled nothing yet has not looked at its cache either.
fn count(location: &str) -> Option<ByteSize> {
    let contents = Contents::of(&dir_of(location)?).ok()?;
    Some(contents.size())
}

fn in_text(seen: Option<&(Box<Running>, View)>, address: &Address) -> String {
    match seen {
        Some((_, view)) => view.text(),
        None => format!(
            "{:10} not running at {address}; nothing is counted\n",
            "server"
        ),
    }
}

fn in_json(seen: Option<&(Box<Running>, View)>, address: &Address) -> Value {
    let address = address.json();
    let Some((running, view)) = seen else {
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
            let (meaning, advice) = fault(name);
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
        "largest": view.largest,
        "hits": tally.all().hits,
        "misses": tally.all().misses,
        "rate": tally.all().rate(),
        "languages": languages,
        "not_cacheable": reasons,
        "faults": faults,
        "saved_seconds": tally.saved().map(|saved| saved.as_secs_f64()),
    })
}

/// Shows the counters as they change, until somebody asks to end.
fn watch(keeper: &Keeper, address: &Address, as_json: bool, report: Report) -> Result<Outcome> {
    let interrupt = Interrupt::catch().context("catching Ctrl-C")?;
    let in_place = Report::is_watched() && !as_json;
    let mut shown = String::new();
    while !interrupt.came() {
        let seen = look(keeper, address)?;
        let now = match (&seen, as_json, in_place) {
            (seen, true, _) => in_json(seen.as_ref(), address).to_string() + "\n",
            (seen, false, true) => in_text(seen.as_ref(), address),
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
        let looked = Instant::now();
        while looked.elapsed() < PAUSE && !interrupt.came() {
            thread::sleep(TICK);
        }
    }
    Ok(Outcome::Done)
}
