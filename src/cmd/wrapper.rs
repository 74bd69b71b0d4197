//! `sccfg wrapper`

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use super::Outcome;
use super::report::target_of;
use crate::cli;
use crate::report::Report;
use portable_wrapper::explain::{UnitReport, counterpart, differences, units};
use portable_wrapper::find_sccache;
use portable_wrapper::install::InstalledWrapper;
use portable_wrapper::state_dir::StateDir;
use sccfg_util::env;
use sccfg_util::problem::Problem;

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
        cli::WrapperCommand::Status { json } => return Ok(status(&wrapper, *json, report)),
        cli::WrapperCommand::Clean => {
            let state = StateDir::find();
            wrapper.clean(state.as_ref())?;
            if let Some(state) = state {
                report.done("removed", &state.directory().display().to_string());
            }
            if !wrapper.is_packaged {
                report.done("removed", &wrapper.path.display().to_string());
            }
        }
        cli::WrapperCommand::Explain {
            name,
            target_dir,
            against,
            json,
        } => {
            let target = target_of(start, target_dir.as_deref());
            let found = units(&target, Some(name));
            if found.is_empty() {
                return Err(Problem::new(format!(
                    "no unit of the crate {name} in {} was compiled through the wrapper",
                    target.display()
                ))
                .hint("build it with RUSTC_WRAPPER set to the output of `sccfg wrapper path`")
                .into());
            }
            let others = against
                .as_deref()
                .map(|other| units(&target_of(other, None), Some(name)));
            if *json {
                report.data(&format!(
                    "{:#}\n",
                    json!({ "target": target, "units": found })
                ));
            } else {
                for unit in &found {
                    report.data(&text(unit, others.as_deref()));
                }
            }
        }
    }
    Ok(Outcome::Done)
}

fn status(wrapper: &InstalledWrapper, as_json: bool, report: Report) -> Outcome {
    let sccache = find_sccache();
    let state = StateDir::find().map(|state| state.directory().to_owned());
    let configured = env::var_os("RUSTC_WRAPPER").map(PathBuf::from);
    let real = |path: &Path| path.canonicalize().ok();
    let is_active = configured
        .as_deref()
        .and_then(real)
        .is_some_and(|path| real(&wrapper.path) == Some(path));
    if as_json {
        report.data(&format!(
            "{:#}\n",
            json!({
                "wrapper": wrapper.path,
                "installed": wrapper.is_installed(),
                "packaged": wrapper.is_packaged,
                "sccache": sccache,
                "state": state,
                "active": is_active,
            })
        ));
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
        report.data(&format!("wrapper  {path}{installed}\n"));
        report.data(&format!("sccache  {}\n", shown(sccache.as_deref())));
        report.data(&format!("state    {}\n", shown(state.as_deref())));
        let active = match (&configured, is_active) {
            (_, true) => "yes: RUSTC_WRAPPER is the wrapper".to_owned(),
            (Some(other), false) => format!("no: RUSTC_WRAPPER is {}", other.display()),
            (None, false) => "no: RUSTC_WRAPPER is not set".to_owned(),
        };
        report.data(&format!("active   {active}\n"));
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

fn text(unit: &UnitReport, others: Option<&[UnitReport]>) -> String {
    let from = if unit.hit {
        "from the cache"
    } else {
        "compiled"
    };
    let mut text = format!("{} ({}), {from}\n", unit.name, unit.crate_types.join(", "));
    match &unit.why {
        None => text.push_str("  shared between all checkouts with the same sources\n"),
        Some(why) if unit.is_cached => {
            text.push_str(&format!(
                "  shared only between checkouts at the same path: {why}\n"
            ));
        }
        Some(why) => text.push_str(&format!("  not shared: {why}\n")),
    }
    if let Some(hint) = &unit.hint {
        text.push_str(&format!("  hint: {hint}\n"));
    }
    if !unit.is_cached {
        return text;
    }
    text.push_str(&format!(
        "  key {}\n",
        unit.key.get(..16).unwrap_or_default()
    ));
    let Some(others) = others else {
        for (what, value) in &unit.parts {
            text.push_str(&format!("    {what}: {value}\n"));
        }
        return text;
    };
    let Some(other) = counterpart(unit, others) else {
        text.push_str("  not compiled in the other checkout\n");
        return text;
    };
    if other.key == unit.key {
        text.push_str("  the same key in the other checkout\n");
        return text;
    }
    let found = differences(unit, other);
    if found.is_empty() {
        text.push_str("  only the path of the checkout differs\n");
    }
    for (what, here, there) in found {
        text.push_str(&format!("    {what}: {here} here, {there} there\n"));
    }
    text
}
