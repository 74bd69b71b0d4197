//! `sccfg wrapper`

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::local_store::may_remove;
use super::{Outcome, explain};
use crate::cli;
use crate::report::Report;
use crate::seeding::cargo_settings::CargoSettings;
use crate::user_store::UserStore;
use portable_wrapper::find_sccache;
use portable_wrapper::install::InstalledWrapper;
use portable_wrapper::state_dir::{CleanedState, StateDir};
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::programs::find_program;
use sccfg_util::wrapper_vars;

pub(super) fn run(args: &cli::WrapperCommand, start: &Path, report: Report) -> Result<Outcome> {
    let wrapper = InstalledWrapper::find()?;
    match args {
        cli::WrapperCommand::Install => {
            let verb = if wrapper.install()? {
                "linked"
            } else {
                "unchanged"
            };
            report.done(verb, &wrapper.path.display().to_string());
            report.next(&format!("export RUSTC_WRAPPER={}", wrapper.path.display()));
        }
        cli::WrapperCommand::Path => {
            wrapper.install()?;
            report.data(&format!("{}\n", wrapper.path.display()));
        }
        cli::WrapperCommand::Status { json } => return Ok(status(&wrapper, start, *json, report)),
        cli::WrapperCommand::Clean { yes } => {
            let state = StateDir::find();
            if let Some(store) = state.as_ref().and_then(store_in)
                && !may_remove(&store, *yes, false, report)?
            {
                return Ok(Outcome::Done);
            }
            clean(&wrapper, state.as_ref(), report)?;
        }
        cli::WrapperCommand::Explain(args) => return explain::run(args, start, report),
    }
    Ok(Outcome::Done)
}

/// The local store, if it is in the wrapper's state directory.
fn store_in(state: &StateDir) -> Option<UserStore> {
    let found = UserStore::in_use().ok().flatten()?;
    let is_removed = found.settings.dir.starts_with(state.directory());
    is_removed.then_some(found)
}

fn clean(wrapper: &InstalledWrapper, state: Option<&StateDir>, report: Report) -> Result<()> {
    let cleaned = wrapper.clean(state)?;
    let directory = state.map(|state| state.directory().display().to_string());
    let directory = directory.unwrap_or_default();
    match cleaned.state {
        CleanedState::Directory => report.done("removed", &directory),
        CleanedState::OwnFiles => report.done(
            "removed",
            &format!("what sccfg saved in {directory}; other files in it were left"),
        ),
        CleanedState::OnlyOthers => report.line(&format!(
            "{directory} has nothing of sccfg, and was left as it is"
        )),
        CleanedState::Nothing if !cleaned.link => report.line("nothing to do"),
        CleanedState::Nothing => {}
    }
    if cleaned.link {
        report.done("removed", &wrapper.path.display().to_string());
        report.next(
            "in open shells with the portable wrapper, and in builds that run, cargo fails: leave them, or run: sccfg wrapper install",
        );
    }
    Ok(())
}

fn status(wrapper: &InstalledWrapper, start: &Path, as_json: bool, report: Report) -> Outcome {
    let sccache = find_sccache();
    let state = StateDir::find().map(|state| state.directory().to_owned());
    let settings = CargoSettings::read(start);
    let configured = settings.as_ref().and_then(CargoSettings::wrapper);
    let real = |path: &Path| path.canonicalize().ok();
    let is_active = configured
        .and_then(|(_, name)| real(&find_program(name, &env::search_path())?))
        .is_some_and(|path| real(&wrapper.path) == Some(path));
    if as_json {
        report.json(&json!({
            "wrapper": wrapper.path.to_string_lossy(),
            "installed": wrapper.is_installed(),
            "packaged": wrapper.is_packaged,
            "sccache": sccache.as_deref().map(Path::to_string_lossy),
            "state": state.as_deref().map(Path::to_string_lossy),
            "active": is_active,
        }));
    } else {
        let shown = |path: Option<&Path>| {
            path.map_or_else(|| "none".to_owned(), |path| path.display().to_string())
        };
        let installed = if wrapper.is_installed() {
            ""
        } else {
            " (not installed)"
        };
        let path = wrapper.path.display();
        report.text(&format!("wrapper  {path}{installed}\n"));
        report.text(&format!("sccache  {}\n", shown(sccache.as_deref())));
        report.text(&format!("state    {}\n", shown(state.as_deref())));
        let active = match (configured, is_active) {
            (Some((setting, _)), true) => format!("yes: {setting} is the wrapper"),
            (Some((setting, other)), false) => format!("no: {setting} is {}", other.display()),
            (None, _) => "no: RUSTC_WRAPPER is not set".to_owned(),
        };
        report.text(&format!("active   {active}\n"));
    }
    for ignored in wrapper_vars::ignored() {
        report.warning(&ignored.problem);
    }
    if sccache.is_none() {
        report.warning(
            &Problem::new("sccache was not found: nothing is cached")
                .hint("put sccache on PATH, or set SCCFG_SCCACHE to its path"),
        );
        return Outcome::Drift;
    }
    Outcome::Done
}
