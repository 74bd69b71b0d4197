//! S017, S051 and S052: what `sccfg apply` and `sccfg init` would change, and warn of.

use super::context::Context;
use super::files::Files;
use super::{Check, Finding, Fix, Remedy, Severity, Where};
use crate::plan::{FileKind, UserConfig, apply};
use sccache_control::config::check::{self, Topic};
use sccfg_util::problem::Place;

/// The repository requests a larger cache than the machine's file has.
pub(crate) static REQUEST: Check = Check {
    code: "S017",
    name: "cache smaller than requested",
    why: "the cache evicts what this repository needs before the next build",
    find: find_request,
};

/// The managed regions are out of date, or cannot be rendered.
pub(super) static OUTDATED: Check = Check {
    code: "S051",
    name: "managed regions out of date",
    why: "the dev shell, a workflow or a Dockerfile is not as sccfg.toml requires",
    find: |context| find_outdated(context),
};

/// Warnings of `init` and `apply`.
pub(super) static WARNINGS: Check = Check {
    code: "S052",
    name: "warnings about the dev shell",
    why: "something in the flake, in .envrc or in the policy works against the dev shell",
    find: |context| find_warnings(context),
};

fn find_request(context: &Context) -> Vec<Finding> {
    // S010 reports a file with an error.
    let is_readable = |context: &Context| {
        let diagnostics = context.diagnostics().iter();
        context.config.is_ok()
            && diagnostics
                .filter(|diagnostic| diagnostic.topic == Topic::File)
                .all(|diagnostic| diagnostic.severity != check::Severity::Error)
    };
    if context.growth_refused().is_some() && !is_readable(context) {
        return Vec::new();
    }
    request(context).into_iter().collect()
}

/// Whether the repository requests more than sccache's config file has, or why that cannot grow.
pub(crate) fn request(files: &Files) -> Option<Finding> {
    if let Some(refused) = files.growth_refused() {
        let mut problem = refused.clone();
        problem.what = format!(
            "sccfg.toml requests a larger cache than sccache's config file has: {}",
            problem.what
        );
        return Some(Finding::of_problem(Severity::Warning, problem));
    }
    let plan = files.plan()?.as_ref().ok()?;
    let mut all = plan.files.iter();
    let file = all.find(|file| file.kind == FileKind::UserConfig)?;
    let size = files.policy()?.cache.size?;
    let what = match &file.change.before {
        Some(_) => format!("sccfg.toml requests {size}, and sccache's config file has less"),
        None => format!("sccfg.toml requests {size}, and sccache has no config file"),
    };
    let remedy = Remedy::Command(format!("sccfg config set cache.disk.size {size}"));
    let question = format!(
        "set the cache size to {size} in {}",
        file.change.path.display()
    );
    let repository = files.repository.clone();
    let fix = Fix::new(question, move || {
        let mut plan = apply(&repository, UserConfig::Grow).map_err(super::as_problem)?;
        plan.files.retain(|file| file.kind == FileKind::UserConfig);
        plan.write()
    });
    let place = Where::Path(file.change.path.clone());
    Some(Finding::warning(what, remedy).at(place).fixed_by(fix))
}

pub(super) fn find_outdated(files: &Files) -> Vec<Finding> {
    let plan = match files.plan() {
        None => return Vec::new(),
        Some(Err(problem)) => {
            return vec![Finding::of_problem(Severity::Error, problem.clone())];
        }
        Some(Ok(plan)) => plan,
    };
    let mut outdated = plan
        .files
        .iter()
        .filter(|file| file.kind != FileKind::UserConfig)
        .peekable();
    let Some(first) = outdated.peek() else {
        return Vec::new();
    };
    let text = first.change.before.as_deref().unwrap_or_default();
    let region = text.find("# >>> sccfg").unwrap_or_default();
    let place = Place::at(&files.shown(&first.change.path), text, region);
    let names: Vec<String> = outdated
        .map(|file| plan.display(&file.change.path))
        .collect();
    let names = names.join(", ");
    let what = format!("{names}: not as sccfg.toml requires");
    let remedy = Remedy::Command("sccfg apply".to_owned());
    let repository = files.repository.clone();
    let fix = Fix::new(
        format!("render the managed regions of {names} again"),
        move || {
            apply(&repository, UserConfig::Keep)
                .map_err(super::as_problem)?
                .write()
        },
    );
    vec![
        Finding::warning(what, remedy)
            .at(Where::File(place))
            .fixed_by(fix),
    ]
}

pub(super) fn find_warnings(files: &Files) -> Vec<Finding> {
    let of_policy = files.policy().and_then(crate::plan::auto_warning);
    let of_plan = files.plan().and_then(|plan| plan.as_ref().ok());
    let of_plan = of_plan.into_iter().flat_map(|plan| plan.warnings.clone());
    let all = of_policy.into_iter().chain(of_plan);
    all.map(|problem| Finding::of_problem(Severity::Warning, problem))
        .collect()
}
