//! The action and the steps of CI, rendered from `[ci]` of `sccfg.toml`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{FileKind, Plan};
use crate::cargo_use::CargoUse;
use crate::ci::{
    self, Backend, Decision, FILES, Facts, Job, Provider, Workflow, Workspaces, decide, gitlab,
};
use crate::repository::Repository;
use crate::sccfg_toml::{FILE_NAME, Policy};
use sccache_control::config::toml;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

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

/// What was decided for each job, and what is wrong in the workflows already.
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
    if policy.ci.backend == Backend::Remote && policy.remote.backend.is_none() {
        return Err(Problem::new(
            "ci.backend is \"remote\", and sccfg.toml names no remote back end",
        )
        .hint("write [remote] with backend and address into sccfg.toml")
        .into());
    }
    let facts = Facts {
        ci: &policy.ci,
        remote: &policy.remote,
        workspaces: Workspaces::find(repository)?,
    };
    if provider != Provider::GitHub {
        refuse_for_scripts(policy)?;
        let is_used = match provider {
            Provider::GitLab => gitlab(plan, repository, &facts, &mut report)?,
            _ => true,
        };
        if is_used {
            let text = ci::script(&policy.ci, &policy.remote)?;
            let before = repository.read_file(ci::SCRIPT)?;
            plan.change(
                FileKind::Ci,
                repository.path(ci::SCRIPT),
                before,
                Some(text),
                "",
            );
        } else {
            remove_files(plan, repository, &[ci::SCRIPT])?;
        }
        return Ok(report);
    }
    let mut is_used = false;
    for source in sources(repository)? {
        let workflow = Workflow::read(&source.path, &source.stripped)?;
        let after = ci::with_steps(&source.path, &source.stripped, &workflow, |job| {
            let backend = decide(&facts, job).backend;
            (backend != Backend::None && !job.has_our_step).then(|| ci::step(&facts, job, backend))
        })?;
        report.findings.extend(workflow.findings);
        let mut count = 0;
        let mut compiles_without_step = false;
        for job in workflow.jobs {
            let decision = decide(&facts, &job);
            let has_step = decision.backend != Backend::None || job.has_our_step;
            count += usize::from(has_step && !job.has_our_step);
            is_used |= has_step;
            compiles_without_step |= job.cargo == CargoUse::Compiles && !has_step;
            report.jobs.push((source.path.clone(), job, decision));
        }
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
    if is_used {
        let texts = ci::files(&policy.ci, &policy.remote)?;
        for (name, text) in FILES.into_iter().zip(texts) {
            let before = repository.read_file(name)?;
            plan.change(FileKind::Ci, repository.path(name), before, Some(text), "");
        }
    } else {
        remove_files(plan, repository, &FILES)?;
    }
    Ok(report)
}

fn in_jobs(what: &str, count: usize) -> String {
    match count {
        0 => format!("without a {what} of sccfg"),
        1 => format!("{what} in 1 job"),
        count => format!("{what} in {count} jobs"),
    }
}

/// Refuses what only GitHub has, and names that are none of variables.
fn refuse_for_scripts(policy: &Policy) -> Result<(), Problem> {
    if matches!(policy.ci.backend, Backend::Gha | Backend::RustCache) {
        let name = policy.ci.backend.name();
        return Err(
            Problem::new(format!("only GitHub has the back end `{name}`"))
                .hint("write backend = \"auto\" below [ci] of sccfg.toml"),
        );
    }
    let is_variable = |name: &str| {
        let mut characters = name.chars();
        characters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let secrets = &policy.ci.secrets;
    match secrets
        .iter()
        .flat_map(|(variable, name)| [variable, name])
        .find(|name| !is_variable(name))
    {
        Some(name) => Err(Problem::new(format!(
            "`{name}` in [ci.secrets] is not the name of a variable"
        ))
        .hint("write the name that the variable has in the settings of the provider")),
        None => Ok(()),
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

/// Plans what `sccfg ci PROVIDER` changes: `[ci]` of `sccfg.toml`, and what is rendered from it.
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
        (Some(text), None) if repository.files_with_regions()?.is_empty() => without_ci(text)?,
        (Some(text), None) => Some(without_table(text, "ci")?),
        (None, None) => None,
    };
    let path = repository.path(FILE_NAME);
    plan.change(FileKind::Policy, path, before, after, "");
    Ok((plan.checked()?, report))
}

/// `sccfg.toml` without `[ci]`; `None` if there is nothing else in it.
fn without_ci(text: &str) -> Result<Option<String>, Problem> {
    if text.starts_with(NEW_POLICY) && text.lines().count() == NEW_POLICY.lines().count() + 2 {
        return Ok(None);
    }
    without_table(text, "ci").map(Some)
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
        if text
            .lines()
            .next()
            .is_some_and(|line| line.contains(RENDERED))
        {
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
            path.extension().and_then(|it| it.to_str()),
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
