//! `sccfg clear`

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::Outcome;
use crate::cli;
use crate::report::Report;
use crate::session::{Purpose, Session, base_address};
use sccache_control::cache::{Contents, dir_of, refuse_precious};
use sccache_control::server::address::Address;
use sccache_control::server::ensure::{Absent, Done, Keeper, Manners, Patience};
use sccache_control::server::look::Seen;
use sccfg_util::problem::Problem;

/// How many things an error lists.
const LISTED: usize = 3;

pub(super) fn run(args: &cli::Clear, start: &Path, report: Report) -> Result<Outcome> {
    let session = Session::gather(start, Purpose::Env)?;
    if let Some(obstacle) = session.obstacle() {
        return Err(obstacle.into());
    }
    let Some(keeper) = session.keeper() else {
        return Ok(Outcome::Drift);
    };
    let mut addresses = vec![base_address()];
    if let Some(meeting) = session.meet_silently()
        && !addresses.contains(&meeting.address)
    {
        addresses.push(meeting.address);
    }
    let directory = directory(&keeper, &addresses[0])?;
    refuse_precious(&directory, sccfg_util::env::home_dir().as_deref())?;
    let contents = own(&directory)?;
    if contents.entries() == 0 {
        tell(&directory, &contents, args.json, report);
        return Ok(Outcome::Done);
    }
    let what = format!(
        "{} entries, {}, in {}",
        contents.entries(),
        contents.size().rounded(),
        directory.display()
    );
    if !args.yes && !agreed(&what, report)? {
        report.line("nothing was removed");
        return Ok(Outcome::Done);
    }
    let patience = Patience {
        wait: Duration::from_secs(args.wait),
        manners: Manners::Wait,
        absent: Absent::Start,
    };
    // A server keeps a list of what is there, so it must not run meanwhile.
    let mut stopped = Vec::new();
    for address in &addresses {
        match keeper.stop(address, patience)? {
            Done::NotRunning => {}
            Done::Left(problem) => return Err(problem.into()),
            Done::InLine | Done::Started | Done::Restarted(_) => stopped.push(address),
        }
    }
    let removed = own(&directory).and_then(|contents| {
        contents.remove()?;
        Ok(contents)
    });
    for address in stopped {
        keeper.ensure(address, None, patience)?;
    }
    tell(&directory, &removed?, args.json, report);
    Ok(Outcome::Done)
}

/// The directory of the cache: the running server's, else the one that the machine's file names.
fn directory(keeper: &Keeper, address: &Address) -> Result<PathBuf, Problem> {
    let location = match keeper.look(address) {
        Seen::Server(running) => Some(running.settings.location),
        Seen::Nobody => None,
        Seen::Stranger(stranger) => return Err(stranger.problem(address)),
    };
    let in_file = keeper
        .wanted
        .directory
        .as_ref()
        .map(|(directory, _)| directory);
    let named = location.as_deref().and_then(dir_of);
    let is_levels = location
        .as_deref()
        .is_none_or(|it| it.starts_with("Multi-level"));
    let directory = named.or_else(|| in_file.filter(|_| is_levels).cloned());
    let directory = directory.ok_or_else(|| {
        let elsewhere = location.unwrap_or_else(|| "a remote back end".to_owned());
        Problem::new(format!("the cache is not on the disk: {elsewhere}")).hint(
            "empty it there; entries that nobody asks for can expire by a rule of the back end",
        )
    })?;
    // Where a link leads counts, not how it is called.
    Ok(std::fs::canonicalize(&directory).unwrap_or(directory))
}

/// What is in the directory, if it is all sccache's.
fn own(directory: &Path) -> Result<Contents, Problem> {
    let contents = Contents::of(directory)
        .map_err(|error| Problem::new(format!("reading {}: {error}", directory.display())))?;
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
        "{} holds what sccache did not write ({}{more}): nothing was removed",
        directory.display(),
        listed.join(", ")
    ))
    .hint("look at it, move it away, and run `sccfg clear` again"))
}

fn agreed(what: &str, report: Report) -> Result<bool, Problem> {
    report.ask(&format!("remove {what}?")).ok_or_else(|| {
        Problem::new(format!("nobody can be asked here whether to remove {what}"))
            .hint("say so beforehand: sccfg clear --yes")
    })
}

fn tell(directory: &Path, removed: &Contents, as_json: bool, report: Report) {
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
