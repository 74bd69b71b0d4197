//! The action and the steps of CI, rendered from `[ci]` of `sccfg.toml`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{FileKind, Plan};
use crate::ci::{self, Backend, Decision, FILES, Facts, Job, Workflow, decide};
use crate::repository::Repository;
use crate::sccfg_toml::{FILE_NAME, Policy};
use sccache_control::config::toml;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

const WORKFLOWS: &str = ".github/workflows";
/// A new `sccfg.toml`, without its last line.
const NEW_POLICY: &str = "\
# What this repository requests from sccache. Run `sccfg apply` after a change.

[ci]
provider = \"github\"
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
    if policy.ci.provider.is_none() {
        remove_ci(plan, repository)?;
        return Ok(report);
    }
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
        packages: packages(repository)?,
    };
    let mut is_used = false;
    for source in sources(repository)? {
        let workflow = Workflow::read(&source.path, &source.stripped)?;
        let after = ci::with_steps(&source.path, &source.stripped, &workflow, |job| {
            let backend = decide(&facts, job).backend;
            (backend != Backend::None && !job.has_our_step)
                .then(|| ci::step(facts.ci, facts.remote, job, backend))
        })?;
        report.findings.extend(workflow.findings);
        let mut count = 0;
        for job in workflow.jobs {
            let decision = decide(&facts, &job);
            count += usize::from(decision.backend != Backend::None && !job.has_our_step);
            is_used |= decision.backend != Backend::None || job.has_our_step;
            report.jobs.push((source.path.clone(), job, decision));
        }
        let summary = match count {
            0 => "without a step of sccfg".to_owned(),
            1 => "step in 1 job".to_owned(),
            count => format!("step in {count} jobs"),
        };
        plan.change(
            FileKind::Ci,
            repository.path(&source.path),
            Some(source.text),
            Some(after),
            summary,
        );
    }
    if is_used {
        let texts = ci::files(&policy.ci, &policy.remote)?;
        for (name, text) in FILES.into_iter().zip(texts) {
            let before = repository.read_file(name)?;
            plan.change(FileKind::Ci, repository.path(name), before, Some(text), "");
        }
    } else {
        remove_action(plan, repository)?;
    }
    Ok(report)
}

/// Plans what `sccfg ci github` changes: `[ci]` of `sccfg.toml`, and what is rendered from it.
///
/// # Errors
/// As [`ci`], or if `sccfg.toml` cannot be read.
pub(crate) fn ci_github(repository: &Repository, policy: &Policy) -> Result<(Plan, CiReport)> {
    let mut plan = Plan::new(&repository.root);
    let report = ci(&mut plan, repository, policy)?;
    let before = repository.read_file(FILE_NAME)?;
    let after = match (&before, policy.ci.provider) {
        (Some(text), Some(_)) => Some(policy.update_ci(Path::new(FILE_NAME), text)?),
        (None, Some(_)) => Some(format!(
            "{NEW_POLICY}backend = \"{}\"\n",
            policy.ci.backend.name()
        )),
        (Some(text), None) => without_ci(text)?,
        (None, None) => None,
    };
    let path = repository.path(FILE_NAME);
    plan.change(FileKind::Policy, path, before, after, "");
    Ok((plan.checked()?, report))
}

/// `sccfg.toml` without `[ci]`; `None` if there is nothing else in it.
fn without_ci(text: &str) -> Result<Option<String>, Problem> {
    if text.starts_with(NEW_POLICY) && text.lines().count() == NEW_POLICY.lines().count() + 1 {
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

/// Plans to remove the action and the steps.
///
/// # Errors
/// If a file cannot be read, or a region is damaged.
pub(super) fn remove_ci(plan: &mut Plan, repository: &Repository) -> Result<()> {
    for source in sources(repository)? {
        plan.change(
            FileKind::Ci,
            repository.path(&source.path),
            Some(source.text),
            Some(source.stripped),
            "restored",
        );
    }
    remove_action(plan, repository)
}

fn remove_action(plan: &mut Plan, repository: &Repository) -> Result<()> {
    for name in FILES {
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
        let Some(text) = repository.read_file(&path)? else {
            continue;
        };
        let stripped = ci::without_steps(&path, &text)?;
        sources.push(Source {
            path,
            stripped: stripped.unwrap_or_else(|| text.clone()),
            text,
        });
    }
    Ok(sources)
}

/// The packages in Cargo.lock, those of the workspace included.
fn packages(repository: &Repository) -> Result<Option<usize>> {
    let lock = repository.read_file("Cargo.lock")?;
    Ok(lock.map(|text| {
        text.lines()
            .filter(|line| line.trim() == "[[package]]")
            .count()
    }))
}
