//! The action and the steps of CI, rendered from `[ci]` of `sccfg.toml`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{FileKind, Plan, managed_files, policy_check};
use crate::cargo_use::CargoUse;
use crate::ci::{
    self, Backend, Ci, Decision, FILES, Facts, Job, Provider, Workflow, Workspaces, decide, gitlab,
};
use crate::repository::Repository;
use crate::sccfg_toml::{FILE_NAME, Policy};
use sccache_control::config::toml;
use sccfg_util::fsio;
use sccfg_util::problem::{Place, Problem};

const WORKFLOWS: &str = ".github/workflows";
/// The start of a new `sccfg.toml`, which has two more lines.
const NEW_POLICY: &str = "\
# What this repository requests from sccache. Run `sccfg apply` after a change.

[ci]
";
const RENDERED: &str = "Rendered from sccfg.toml by `sccfg apply`";

/// A workflow on disk.
#[derive(Debug)]
struct Source {
    /// Relative to the repository.
    path: PathBuf,
    text: String,
    /// Without the steps of sccfg.
    stripped: String,
}

/// The decision for each job, and existing problems of the workflows.
#[derive(Debug, Default)]
pub(crate) struct CiReport {
    pub(crate) jobs: Vec<(PathBuf, Job, Decision)>,
    pub(crate) findings: Vec<Problem>,
}

/// Plans to render the action and the steps; without a provider in the policy, to remove them.
///
/// # Errors
/// If a workflow is not YAML or cannot be edited safely.
pub(crate) fn ci(plan: &mut Plan, repository: &Repository, policy: &Policy) -> Result<CiReport> {
    let mut report = CiReport::default();
    let provider = policy.ci.provider;
    if provider != Some(Provider::GitHub) {
        remove_github(plan, repository)?;
    }
    if provider != Some(Provider::GitLab) {
        remove_gitlab(plan, repository)?;
    }
    if !matches!(provider, Some(Provider::GitLab | Provider::Script)) {
        remove_files(plan, repository, &[ci::SCRIPT])?;
    }
    let Some(provider) = provider else {
        return Ok(report);
    };
    policy_check::check(repository, policy, provider)?;
    let facts = Facts {
        ci: &policy.ci,
        remote: &policy.remote,
        workspaces: Workspaces::find(repository)?,
    };
    let is_used = match provider {
        Provider::GitHub => github(plan, repository, &facts, &mut report)?,
        Provider::GitLab => gitlab(plan, repository, &facts, &mut report)?,
        Provider::Script => policy.ci.backend != Backend::None,
    };
    match (provider, is_used) {
        (Provider::GitHub, false) => remove_files(plan, repository, &FILES)?,
        (Provider::GitHub, true) => {
            let texts = ci::files(&policy.ci, &policy.remote)?;
            for (name, text) in FILES.into_iter().zip(texts) {
                render(plan, repository, name, text)?;
            }
        }
        (_, false) => remove_files(plan, repository, &[ci::SCRIPT])?,
        (_, true) => {
            let text = ci::script(&policy.ci, &policy.remote)?;
            render(plan, repository, ci::SCRIPT, text)?;
        }
    }
    Ok(report)
}

/// Plans the steps in GitHub's workflows. Returns whether a job has one.
fn github(
    plan: &mut Plan,
    repository: &Repository,
    facts: &Facts<'_>,
    report: &mut CiReport,
) -> Result<bool> {
    let mut is_used = false;
    let mut calls = Vec::new();
    let mut called = Vec::new();
    for source in sources(repository)? {
        let workflow = Workflow::read(&source.path, &source.stripped)?;
        let after = ci::with_steps(&source.path, &source.stripped, &workflow, |job| {
            let backend = decide(facts, job).backend;
            (backend != Backend::None && !job.has_our_step).then(|| ci::step(facts, job, backend))
        })?;
        report.findings.extend(workflow.findings);
        calls.extend(workflow.calls);
        let mut count = 0;
        let mut compiles_without_step = false;
        let mut takes_secrets = false;
        for mut job in workflow.jobs {
            let decision = decide(facts, &job);
            let has_step = decision.backend != Backend::None || job.has_our_step;
            count += usize::from(has_step && !job.has_our_step);
            is_used |= has_step;
            let is_without = !has_step && job.shares.is_none();
            compiles_without_step |= job.cargo == CargoUse::Compiles && is_without;
            takes_secrets |= decision.backend == Backend::Remote;
            if !matches!(decision.backend, Backend::None | Backend::RustCache) {
                report.findings.append(&mut job.overrides);
            }
            report.jobs.push((source.path.clone(), job, decision));
        }
        called.extend(workflow.called.filter(|_| takes_secrets));
        let incremental = workflow.incremental.filter(|_| compiles_without_step);
        report.findings.extend(incremental);
        plan.change(
            FileKind::Ci,
            repository.path(&source.path),
            Some(source.text),
            Some(after),
            in_jobs("step", count),
        );
    }
    let secrets = ci::secret_names(facts.ci, facts.remote);
    let lacking = called
        .iter()
        .flat_map(|called| called.without_secrets(&calls, &secrets));
    report.findings.extend(lacking);
    Ok(is_used)
}

/// Plans a file that belongs to sccfg as a whole.
fn render(plan: &mut Plan, repository: &Repository, name: &str, text: String) -> Result<()> {
    let before = repository.read_file(name)?;
    if let Some(before) = &before
        && !is_rendered(before)
        && !before.trim().is_empty()
    {
        return Err(
            Problem::new("sccfg did not write this file, and would have to replace it")
                .at(Place::at(Path::new(name), before, 0))
                .hint("move it and update the references to it, or delete it; then run sccfg again")
                .into(),
        );
    }
    plan.change(FileKind::Ci, repository.path(name), before, Some(text), "");
    Ok(())
}

/// Whether sccfg has rendered a file with this text.
fn is_rendered(text: &str) -> bool {
    let first = text.lines().next();
    first.is_some_and(|line| line.contains(RENDERED))
}

fn in_jobs(what: &str, count: usize) -> String {
    match count {
        0 => format!("without a {what} of sccfg"),
        1 => format!("{what} in 1 job"),
        count => format!("{what} in {count} jobs"),
    }
}

/// Plans the lines in GitLab's pipeline. Returns whether a job has one.
fn gitlab(
    plan: &mut Plan,
    repository: &Repository,
    facts: &Facts<'_>,
    report: &mut CiReport,
) -> Result<bool> {
    let Some(source) = source(repository, Path::new(gitlab::FILE))? else {
        return Ok(false);
    };
    let pipeline = gitlab::Pipeline::read(&source.path, &source.stripped)?;
    let after = gitlab::with_lines(&source.path, &source.stripped, &pipeline, |job| {
        let backend = decide(facts, job).backend;
        (backend != Backend::None && !job.has_our_step).then_some(backend)
    })?;
    let (mut count, mut is_used) = (0, false);
    for job in pipeline.jobs {
        let decision = decide(facts, &job.job);
        let gets_line = decision.backend != Backend::None && !job.job.has_our_step;
        count += usize::from(gets_line);
        is_used |= gets_line || job.job.has_our_step;
        if gets_line && decision.backend == Backend::Local {
            report.findings.extend(job.cache_problem);
        }
        report.jobs.push((source.path.clone(), job.job, decision));
    }
    plan.change(
        FileKind::Ci,
        repository.path(&source.path),
        Some(source.text),
        Some(after),
        in_jobs("line", count),
    );
    Ok(is_used)
}

/// Plans the changes of `sccfg ci PROVIDER`: `[ci]` of `sccfg.toml`, and the files that are rendered from it.
///
/// # Errors
/// As [`ci`], or if `sccfg.toml` cannot be read.
pub(crate) fn ci_provider(repository: &Repository, policy: &Policy) -> Result<(Plan, CiReport)> {
    let mut plan = Plan::new(&repository.root);
    let report = ci(&mut plan, repository, policy)?;
    let before = repository.read_file(FILE_NAME)?;
    let after = match (&before, policy.ci.provider) {
        (Some(text), Some(_)) => Some(policy.update_ci(Path::new(FILE_NAME), text)?),
        (None, Some(provider)) => Some(format!(
            "{NEW_POLICY}provider = \"{}\"\nbackend = \"{}\"\n",
            provider.name(),
            policy.ci.backend.name()
        )),
        (Some(text), None) => {
            let may_go = managed_files::with_regions(repository)?.is_empty();
            without_ci(text, may_go)?
        }
        (None, None) => None,
    };
    let path = repository.path(FILE_NAME);
    plan.change(FileKind::Policy, path, before, after, "");
    Ok((plan.checked()?, report))
}

/// `sccfg.toml` without what sccfg has written into `[ci]`; `None` if there is nothing else in it, and it may go.
fn without_ci(text: &str, may_go: bool) -> Result<Option<String>, Problem> {
    let path = Path::new(FILE_NAME);
    if Policy::parse(path, text)?.ci.provider.is_none() {
        return Ok(Some(text.to_owned()));
    }
    let is_new =
        text.starts_with(NEW_POLICY) && text.lines().count() == NEW_POLICY.lines().count() + 2;
    if is_new && may_go {
        return Ok(None);
    }
    let mut without = text.to_owned();
    for key in ["provider", "backend"] {
        if let Some(shorter) = toml::unset(&without, path, &["ci", key])? {
            without = shorter;
        }
    }
    if Policy::parse(path, &without)?.ci == Ci::default() {
        // The user wrote nothing in it.
        return without_table(text, "ci").map(Some);
    }
    Ok(Some(without))
}

/// `sccfg.toml` without a table.
pub(super) fn without_table(text: &str, table: &str) -> Result<String, Problem> {
    let Some(mut without) = toml::unset(text, Path::new(FILE_NAME), &[table])? else {
        return Ok(text.to_owned());
    };
    // The blank line above the table.
    for blank in ["\r\n\r\n", "\n\n"] {
        if without.ends_with(blank) {
            without.truncate(without.len() - blank.len() / 2);
            break;
        }
    }
    Ok(without)
}

/// Plans to remove what is rendered for any provider.
///
/// # Errors
/// If a file cannot be read, or a region is damaged.
pub(super) fn remove_ci(plan: &mut Plan, repository: &Repository) -> Result<()> {
    remove_github(plan, repository)?;
    remove_gitlab(plan, repository)?;
    remove_files(plan, repository, &[ci::SCRIPT])
}

fn remove_github(plan: &mut Plan, repository: &Repository) -> Result<()> {
    for source in sources(repository)? {
        restore(plan, repository, source);
    }
    remove_files(plan, repository, &FILES)
}

fn remove_gitlab(plan: &mut Plan, repository: &Repository) -> Result<()> {
    if let Some(source) = source(repository, Path::new(gitlab::FILE))? {
        restore(plan, repository, source);
    }
    Ok(())
}

fn restore(plan: &mut Plan, repository: &Repository, source: Source) {
    plan.change(
        FileKind::Ci,
        repository.path(&source.path),
        Some(source.text),
        Some(source.stripped),
        "restored",
    );
}

/// Removes the files of `names` that sccfg has rendered.
fn remove_files(plan: &mut Plan, repository: &Repository, names: &[&str]) -> Result<()> {
    for name in names {
        let Some(text) = repository.read_file(name)? else {
            continue;
        };
        if is_rendered(&text) {
            plan.change(FileKind::Ci, repository.path(name), Some(text), None, "");
        }
    }
    Ok(())
}

fn sources(repository: &Repository) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut names = fsio::names_in(&repository.path(WORKFLOWS));
    names.sort();
    for name in names {
        let path = Path::new(WORKFLOWS).join(&name);
        let is_yaml = matches!(
            path.extension().and_then(|extension| extension.to_str()),
            Some("yml" | "yaml")
        );
        if !is_yaml {
            continue;
        }
        sources.extend(source(repository, &path)?);
    }
    Ok(sources)
}

/// The file at `path`, which is relative to the repository.
fn source(repository: &Repository, path: &Path) -> Result<Option<Source>> {
    let Some(text) = repository.read_file(path)? else {
        return Ok(None);
    };
    let stripped = ci::without_steps(path, &text)?;
    Ok(Some(Source {
        path: path.to_owned(),
        stripped: stripped.unwrap_or_else(|| text.clone()),
        text,
    }))
}
