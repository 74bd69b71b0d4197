//! `sccfg store`

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::Outcome;
use super::local_store::{cleared, failed, may_remove, waiting};
use crate::cli;
use crate::report::Report;
use crate::user_store::UserStore;
use local_store::{Counters, Store};
use portable_wrapper::store::settings::{self, Settings};
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

pub(super) fn run(command: &cli::StoreCommand, report: Report) -> Result<Outcome> {
    let found = UserStore::find()?;
    let fault = found.fault();
    if let cli::StoreCommand::Clear { yes, json } = command
        && !may_remove(&found, *yes, *json, report)?
    {
        return Ok(Outcome::Done);
    }
    let store = &found.store;
    match command {
        cli::StoreCommand::Status { json } => {
            status(&found.settings, store, *json, report);
            if !*json && let Some(shortage) = found.shortage() {
                report.warning(&shortage);
            }
            if let Some(fault) = fault {
                report.warning(&fault);
                return Ok(Outcome::Drift);
            }
        }
        cli::StoreCommand::Verify { json } => return verify(store, *json, report),
        cli::StoreCommand::Clear { json, .. } => {
            let freed = ByteSize::from_bytes(store.size().unwrap_or(0));
            let usable = store.size().map_or_else(|| store.try_to_use(), |_| Ok(()));
            usable
                .and_then(|()| store.clear(&waiting(report)))
                .map_err(|error| failed("clear", store, &error))?;
            if *json {
                report.json(&cleared(store, freed));
            } else {
                report.done("cleared", &store.root().display().to_string());
            }
        }
    }
    Ok(Outcome::Done)
}

fn status(settings: &Settings, store: &Store, as_json: bool, report: Report) {
    let used = ByteSize::from_bytes(store.size().unwrap_or(0));
    let counters = store.counters();
    let Counters {
        stored, evicted, ..
    } = counters;
    let (hits, misses) = (counters.all().hits, counters.all().misses);
    if as_json {
        report.json(&json!({
            "enabled": settings.is_enabled,
            "directory": settings.dir.to_string_lossy(),
            "used": used.bytes(),
            "limit": settings.size.bytes(),
            "hits": hits,
            "misses": misses,
            "stored": stored,
            "evicted": evicted,
            "settings": settings::path().as_deref().map(Path::to_string_lossy),
        }));
        return;
    }
    let enabled = if settings.is_enabled {
        ""
    } else {
        " (switched off)"
    };
    report.text(&format!(
        "directory  {}{enabled}\n\
         size       {} of {}\n\
         hits       {hits} of {}\n\
         entries    {stored} stored, {evicted} evicted\n",
        settings.dir.display(),
        used.rounded(),
        settings.size.rounded(),
        hits + misses,
    ));
}

fn verify(store: &Store, as_json: bool, report: Report) -> Result<Outcome> {
    let verified = store
        .verify(&waiting(report))
        .map_err(|error| failed("verify", store, &error))?;
    if as_json {
        report.json(&json!(verified));
    } else {
        report.data(&format!(
            "{} entries with {} files are as they were stored\n",
            verified.entries, verified.files
        ));
    }
    if verified.damaged.is_empty() && verified.removed_entries == 0 {
        return Ok(Outcome::Done);
    }
    for path in verified.damaged.iter().filter(|_| !as_json) {
        report.done("removed", &format!("{}, which was damaged", path.display()));
    }
    report.warning(
        &Problem::new(format!(
            "{} entries were removed from the store",
            verified.removed_entries
        ))
        .hint("the next build compiles them again; check the disk if this happens more than once"),
    );
    Ok(Outcome::Drift)
}
