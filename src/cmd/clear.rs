//! `sccfg clear`

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::Outcome;
use crate::cli;
use crate::report::Report;
use crate::session::{Purpose, Session, base_address};
use sccache_control::cache::{Contents, local_dir, refuse_unsafe_dir};
use sccache_control::server::address::Address;
use sccache_control::server::probe::Probe;
use sccache_control::server::supervisor::{EnsureOptions, ServerOutcome, Supervisor};
use sccfg_util::problem::Problem;

/// How many foreign files an error lists.
const LISTED: usize = 3;

pub(super) fn run(args: &cli::Clear, start: &Path, report: Report) -> Result<Outcome> {
    let session = Session::gather(start, Purpose::Env)?;
    if let Some(obstacle) = session.obstacle() {
        return Err(obstacle.into());
    }
    let Some(supervisor) = session.supervisor() else {
        return Ok(Outcome::Drift);
    };
    let mut addresses = vec![base_address()];
    if let Some(choice) = session.select_address_without_query()
        && !addresses.contains(&choice.address)
    {
        addresses.push(choice.address);
    }
    let directory = directory(&supervisor, &addresses[0])?;
    refuse_unsafe_dir(&directory, sccfg_util::env::home_dir().as_deref())?;
    let contents = contents_of(&directory)?;
    if contents.entries() == 0 {
        print(&directory, &contents, args.json, report);
        return Ok(Outcome::Done);
    }
    let what = format!(
        "{} entries, {}, in {}",
        contents.entries(),
        contents.size().rounded(),
        directory.display()
    );
    if !args.yes && !is_confirmed(&what, report)? {
        report.line("nothing was removed");
        return Ok(Outcome::Done);
    }
    let options = EnsureOptions {
        wait: Duration::from_secs(args.wait),
        force: false,
        start_if_absent: true,
        kill_unresponsive: false,
    };
    // A running server would keep counting the removed entries.
    let mut stopped = Vec::new();
    for address in &addresses {
        match supervisor.stop(address, options)? {
            ServerOutcome::NotRunning => {}
            ServerOutcome::Unchanged(problem) => return Err(problem.into()),
            _ => stopped.push(address),
        }
    }
    let removed = contents_of(&directory).and_then(|contents| {
        contents.remove()?;
        Ok(contents)
    });
    for address in stopped {
        supervisor.ensure(address, None, options)?;
    }
    print(&directory, &removed?, args.json, report);
    Ok(Outcome::Done)
}

/// The directory of the cache: that of the running server, otherwise that of the config file.
fn directory(supervisor: &Supervisor, address: &Address) -> Result<PathBuf, Problem> {
    let location = match supervisor.probe(address) {
        Probe::Server(running) => Some(running.settings.location),
        Probe::NotRunning => None,
        Probe::Foreign(foreign) => return Err(foreign.problem(address)),
    };
    let in_file = supervisor
        .desired
        .directory
        .as_ref()
        .map(|(directory, _)| directory);
    let named = location.as_deref().and_then(local_dir);
    let is_levels = location
        .as_deref()
        .is_none_or(|location| location.starts_with("Multi-level"));
    let directory = named.or_else(|| in_file.filter(|_| is_levels).cloned());
    let directory = directory.ok_or_else(|| {
        let elsewhere = location.unwrap_or_else(|| "a remote back end".to_owned());
        Problem::new(format!("the cache is not on disk: {elsewhere}"))
            .hint("remove its entries there, or let the back end expire unused ones")
    })?;
    // The checks have to see where a link leads.
    Ok(std::fs::canonicalize(&directory).unwrap_or(directory))
}

/// The contents of the directory, if sccache wrote all of them.
fn contents_of(directory: &Path) -> Result<Contents, Problem> {
    let contents = Contents::read(directory).map_err(|error| {
        Problem::new(format!("could not read {}: {error}", directory.display()))
    })?;
    if contents.foreign.is_empty() {
        return Ok(contents);
    }
    let listed: Vec<String> = contents
        .foreign
        .iter()
        .take(LISTED)
        .map(|path| {
            path.strip_prefix(directory)
                .unwrap_or(path)
                .display()
                .to_string()
        })
        .collect();
    let more = match contents.foreign.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Problem::new(format!(
        "{} contains files that sccache did not write ({}{more}); nothing was removed",
        directory.display(),
        listed.join(", ")
    ))
    .hint("move them elsewhere, then run `sccfg clear` again"))
}

fn is_confirmed(what: &str, report: Report) -> Result<bool, Problem> {
    report.ask(&format!("remove {what}?")).ok_or_else(|| {
        Problem::new(format!(
            "could not ask whether to remove {what}: not a terminal"
        ))
        .hint("pass --yes")
    })
}

fn print(directory: &Path, removed: &Contents, as_json: bool, report: Report) {
    if as_json {
        let value = json!({
            "directory": directory,
            "entries": removed.entries(),
            "freed": removed.size(),
        });
        report.data(&format!("{value}\n"));
    } else if removed.entries() == 0 {
        report.line(&format!("nothing to do: {} is empty", directory.display()));
    } else {
        let (entries, size) = (removed.entries(), removed.size().rounded());
        report.done(
            "freed  ",
            &format!("{size} in {entries} entries of {}", directory.display()),
        );
    }
}
