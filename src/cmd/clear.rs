//! `sccfg clear`

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::local_store::{cleared, describe, failed, is_confirmed, waiting};
use super::{Outcome, json_does_not_ask};
use crate::cli;
use crate::report::Report;
use crate::session::{Purpose, Session, base_address};
use crate::user_store::UserStore;
use local_store::Store;
use sccache_control::cache::{Contents, local_dir, refuse_unsafe_dir};
use sccache_control::server::address::Address;
use sccache_control::server::probe::{Foreign, Probe};
use sccache_control::server::supervisor::{EnsureOptions, ServerOutcome, Supervisor};
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// The maximum number of foreign files in an error.
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
    let store = UserStore::in_use()?.filter(|store| store.store.size() != Some(0));
    let cache = match Cache::find(&supervisor, &addresses[0]) {
        Ok(cache) => Some(cache),
        Err(problem) if store.is_none() => return Err(problem.into()),
        Err(problem) => {
            report.note(&problem);
            None
        }
    };
    let cache_to_clear = cache.as_ref().filter(|cache| cache.contents.entries() > 0);
    let all = [
        cache_to_clear.map(Cache::describe),
        store.as_ref().map(describe),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    if all.is_empty() {
        print(cache.as_ref(), None, args.json, report);
        return Ok(Outcome::Done);
    }
    let all = all.join(" and ");
    if !args.yes && args.json {
        return Err(json_does_not_ask(&format!("remove {all}"), "").into());
    }
    if !args.yes && !is_confirmed(&all, report)? {
        report.line("nothing was removed");
        return Ok(Outcome::Done);
    }
    let cache = match cache_to_clear {
        Some(cache) => {
            let wait = Duration::from_secs(args.wait);
            Some(cache.clear(&supervisor, &addresses, wait)?)
        }
        None => cache,
    };
    if let Some(UserStore { store, .. }) = &store {
        let freed = ByteSize::from_bytes(store.size().unwrap_or(0));
        store
            .clear(&waiting(report))
            .map_err(|error| failed("clear", store, &error))?;
        print(cache.as_ref(), Some((store, freed)), args.json, report);
    } else {
        print(cache.as_ref(), None, args.json, report);
    }
    Ok(Outcome::Done)
}

/// sccache's cache on the disk.
struct Cache {
    directory: PathBuf,
    contents: Contents,
}

impl Cache {
    fn find(supervisor: &Supervisor, address: &Address) -> Result<Self, Problem> {
        let directory = directory(supervisor, address)?;
        refuse_unsafe_dir(&directory, env::home_dir().as_deref())?;
        let contents = contents_of(&directory)?;
        Ok(Self {
            directory,
            contents,
        })
    }

    fn describe(&self) -> String {
        format!(
            "{} entries, {}, in {}",
            self.contents.entries(),
            self.contents.size().rounded(),
            self.directory.display()
        )
    }

    /// Empties it while no server runs, and returns what was removed.
    fn clear(
        &self,
        supervisor: &Supervisor,
        addresses: &[Address],
        wait: Duration,
    ) -> Result<Self, Problem> {
        let options = EnsureOptions {
            wait,
            force: false,
            start_if_absent: true,
            kill_unresponsive: false,
        };
        // A running server would keep counting the removed entries.
        let mut stopped = Vec::new();
        for address in addresses {
            match supervisor.stop(address, options)? {
                ServerOutcome::NotRunning => {}
                ServerOutcome::Unchanged(problem) => return Err(problem),
                _ => stopped.push(address),
            }
        }
        let removed = contents_of(&self.directory).and_then(|contents| {
            contents.remove()?;
            Ok(contents)
        });
        for address in stopped {
            supervisor.ensure(address, None, options)?;
        }
        Ok(Self {
            directory: self.directory.clone(),
            contents: removed?,
        })
    }
}

/// The variable with the directory for a server that is started without sccfg.
const DIRECTORY: &str = "SCCACHE_DIR";

/// The directory of the cache: that of the running server, otherwise that which [`DIRECTORY`] names, otherwise that of the config
/// file.
fn directory(supervisor: &Supervisor, address: &Address) -> Result<PathBuf, Problem> {
    let location = match supervisor.probe(address) {
        Probe::Server(running) => Some(running.settings.location),
        Probe::NotRunning | Probe::Foreign(Foreign::Directory | Foreign::NoSocket(_)) => None,
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
    let is_on_disk = location.is_none() && in_file.is_some();
    let in_variable = env::var_os(DIRECTORY).map(PathBuf::from);
    let in_variable = in_variable.filter(|named| is_on_disk && !named.as_os_str().is_empty());
    if let Some(relative) = in_variable.as_ref().filter(|named| named.is_relative()) {
        let what = format!("{DIRECTORY} is a relative path: {}", relative.display());
        return Err(Problem::new(what).hint("write an absolute path, or unset the variable"));
    }
    let directory = named
        .or(in_variable)
        .or_else(|| in_file.filter(|_| is_levels).cloned());
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

/// The removed entries of the cache and of the store.
fn print(cache: Option<&Cache>, store: Option<(&Store, ByteSize)>, as_json: bool, report: Report) {
    if as_json {
        let value = json!({
            "directory": cache.map(|cache| cache.directory.to_string_lossy()),
            "entries": cache.map_or(0, |cache| cache.contents.entries()),
            "freed": cache.map_or(ByteSize::from_bytes(0), |cache| cache.contents.size()),
            "store": store.map(|(store, freed)| cleared(store, freed)),
        });
        report.json(&value);
        return;
    }
    if let Some(Cache {
        directory,
        contents,
    }) = cache
    {
        let (entries, size) = (contents.entries(), contents.size().rounded());
        let directory = directory.display();
        if entries > 0 {
            report.done(
                "freed  ",
                &format!("{size} in {entries} entries of {directory}"),
            );
        } else if store.is_none() {
            report.line(&format!("nothing to do: {directory} is empty"));
        }
    }
    if let Some((store, freed)) = store {
        let (freed, root) = (freed.rounded(), store.root().display());
        report.done("freed  ", &format!("{freed} of the local store {root}"));
    }
}
