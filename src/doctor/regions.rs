//! S017, S051 and S052: what `sccfg apply` and `sccfg init` would change, and warn of.

use super::context::Context;
use super::{Check, Finding, Fix, Remedy, Severity, Where};
use crate::plan::{FileKind, UserConfig, apply};
use sccache_control::config::check::{self, Topic};
use sccfg_util::problem::Place;

/// The repository requests a larger cache than the machine's file has.
pub(super) static REQUEST: Check = Check {
    code: "S017",
    name: "cache smaller than requested",
    why: "the cache evicts what this repository needs before the next build",
    find: find_request,
};

/// The managed regions are out of date, or cannot be rendered.
pub(super) static OUTDATED: Check = Check {
    code: "S051",
    name: "managed regions out of date",
    why: "the dev shell has other settings than sccfg.toml",
    find: find_outdated,
};

/// Warnings of `init` and `apply`.
pub(super) static WARNINGS: Check = Check {
    code: "S052",
    name: "warnings about the dev shell",
    why: "something in the flake, in .envrc or in the policy works against the dev shell",
    find: find_warnings,
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
    if let Some(refused) = context.growth_refused().filter(|_| is_readable(context)) {
        let mut problem = refused.clone();
        problem.what = format!(
            "sccfg.toml requests a larger cache than sccache's config file has: {}",
            problem.what
        );
        return vec![Finding::of_problem(Severity::Warning, problem)];
    }
    let Some(Ok(plan)) = context.plan() else {
        return Vec::new();
    };
    let files = plan.files.iter();
    let mut config = files.filter(|file| file.kind == FileKind::UserConfig);
    let Some(file) = config.next() else {
        return Vec::new();
    };
    let size = context.policy().and_then(|policy| policy.cache.size);
    let Some(size) = size else {
        return Vec::new();
    };
    let what = match &file.change.before {
        Some(_) => format!("sccfg.toml requests {size}, and sccache's config file has less"),
        None => format!("sccfg.toml requests {size}, and sccache has no config file"),
    };
    let remedy = Remedy::Command(format!("sccfg config set cache.disk.size {size}"));
    let question = format!(
        "set the cache size to {size} in {}",
        file.change.path.display()
    );
    let repository = context.repository.clone();
    let fix = Fix::new(question, move || {
        let mut plan = apply(&repository, UserConfig::Grow).map_err(super::as_problem)?;
        plan.files.retain(|file| file.kind == FileKind::UserConfig);
        plan.write()
    });
    let place = Where::Path(file.change.path.clone());
    vec![Finding::warning(what, remedy).at(place).fixed_by(fix)]
}

fn find_outdated(context: &Context) -> Vec<Finding> {
    let plan = match context.plan() {
        None => return Vec::new(),
        Some(Err(problem)) => {
            return vec![Finding::of_problem(Severity::Error, problem.clone())];
        }
        Some(Ok(plan)) => plan,
    };
    let files = plan.files.iter();
    let mut outdated = files
        .filter(|file| file.kind != FileKind::UserConfig)
        .peekable();
    let Some(first) = outdated.peek() else {
        return Vec::new();
    };
    let text = first.change.before.as_deref().unwrap_or_default();
    let region = text.find("# >>> sccfg").unwrap_or_default();
    let place = Place::at(&context.shown(&first.change.path), text, region);
    let names: Vec<String> = outdated
        .map(|file| plan.display(&file.change.path))
        .collect();
    let names = names.join(", ");
    let what = format!("{names}: not as sccfg.toml requires");
    let remedy = Remedy::Command("sccfg apply".to_owned());
    let repository = context.repository.clone();
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

fn find_warnings(context: &Context) -> Vec<Finding> {
    let of_policy = context.policy().and_then(crate::plan::auto_warning);
    let of_plan = context.plan().and_then(|plan| plan.as_ref().ok());
    let of_plan = of_plan.into_iter().flat_map(|plan| plan.warnings.clone());
    let all = of_policy.into_iter().chain(of_plan);
    all.map(|problem| Finding::of_problem(Severity::Warning, problem))
        .collect()
}
