//! `sccfg ci`

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Outcome, changes};
use crate::cargo_use::CargoUse;
use crate::ci::{Backend, Ci, DIRECTORIES, Decision, Provider, SCRIPT, SCRIPT_DIRECTORY, gitlab};
use crate::cli::{self, PlanOutput};
use crate::plan::{self, CiReport, Plan};
use crate::report::Report;
use crate::repository::Repository;
use crate::sccfg_toml::place_of;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The options of the command, for any provider.
struct Wanted {
    provider: Provider,
    backend: Option<Backend>,
    explain: bool,
    check: bool,
    remove: bool,
    output: PlanOutput,
}

impl Wanted {
    fn of_provider(provider: Provider, backend: Option<Backend>, mode: &cli::CiMode) -> Self {
        Self {
            provider,
            backend,
            explain: mode.explain,
            check: mode.check,
            remove: mode.remove,
            output: mode.output,
        }
    }

    /// The file or directory by which the repository is found.
    fn place(&self) -> &'static str {
        match self.provider {
            Provider::GitHub => ".github/workflows",
            Provider::GitLab => gitlab::FILE,
            Provider::Script => ".git",
        }
    }
}

pub(super) fn run(args: &cli::Ci, start: &Path, report: Report) -> Result<Outcome> {
    let wanted = match args {
        cli::Ci::GitHub(args) => Wanted::of_provider(Provider::GitHub, args.backend, &args.mode),
        cli::Ci::GitLab(args) => {
            Wanted::of_provider(Provider::GitLab, args.backend.map(Into::into), &args.mode)
        }
        cli::Ci::Script(args) => Wanted {
            provider: Provider::Script,
            backend: args.backend.map(Into::into),
            explain: false,
            check: args.check,
            remove: args.remove,
            output: args.output,
        },
    };
    let repository = Repository::locate_by(start, wanted.place());
    let (mut policy, text) = repository.policy()?.unwrap_or_default();
    if let Some(other) = policy.ci.provider
        && other != wanted.provider
        && !wanted.explain
    {
        return other_provider(&repository, other, &wanted, &text, report);
    }
    policy.ci.provider = (!wanted.remove).then_some(wanted.provider);
    if let Some(backend) = wanted.backend {
        policy.ci.backend = backend;
    }
    if wanted.remove {
        policy.ci = Ci::default();
    }
    let (mut plan, found) = plan::ci_provider(&repository, &policy)?;
    let command = format!("sccfg ci {}", wanted.provider.name());
    if wanted.explain {
        explain(&found, wanted.output.json, report);
        return Ok(Outcome::Done);
    }
    let compiles = found
        .jobs
        .iter()
        .any(|(_, job, _)| job.cargo == CargoUse::Compiles);
    if !wanted.remove && !compiles && wanted.provider != Provider::Script {
        let place = repository.path(wanted.place());
        if !fsio::exists(&place) {
            return Err(Problem::new(format!("{} does not exist", place.display()))
                .hint("run sccfg in a repository that has it; for other providers: sccfg ci script")
                .into());
        }
        return Err(
            Problem::new(format!("no job in {} compiles with cargo", place.display()))
                .hint(format!(
                    "`{command} --explain` prints the decision for each job"
                ))
                .into(),
        );
    }
    let writes_script = policy.ci.backend != Backend::None && !wanted.remove;
    if wanted.provider == Provider::Script && writes_script {
        plan.next.push(format!(
            "in each job, before cargo runs: . {SCRIPT}; trap sccfg_end EXIT"
        ));
    }
    plan.warnings.extend(found.findings.iter().cloned());
    let dry_run = wanted.output.dry_run || wanted.check;
    changes::carry_out(
        &plan,
        PlanOutput {
            dry_run,
            ..wanted.output
        },
        report,
    )?;
    if !dry_run && wanted.remove {
        repository.remove_empty_directories(&DIRECTORIES);
        repository.remove_empty_directories(&[SCRIPT_DIRECTORY]);
    }
    if !wanted.check && !wanted.remove {
        note_unedited(&found, &command, report);
        let is_cached = |(.., decision): &(_, _, Decision)| decision.backend != Backend::None;
        if wanted.provider != Provider::Script && !found.jobs.iter().any(is_cached) {
            let hint = format!("`{command} --explain` prints the reason for each job");
            report.note(&Problem::new("no job uses a cache").hint(hint));
        }
    }
    if wanted.check && !plan.is_empty() {
        report.warning(
            &Problem::new("the files of sccfg for CI are out of date")
                .hint(format!("run: {command}")),
        );
        return Ok(Outcome::Drift);
    }
    Ok(Outcome::Done)
}

/// Refuses to replace or remove the files of another provider.
fn other_provider(
    repository: &Repository,
    other: Provider,
    wanted: &Wanted,
    policy: &str,
    report: Report,
) -> Result<Outcome> {
    let (other, name) = (other.name(), wanted.provider.name());
    let mut problem = Problem::new(format!("this repository is set up for `sccfg ci {other}`"));
    problem.place = place_of(policy, "ci", Some("provider"));
    if wanted.remove {
        changes::carry_out(&Plan::new(&repository.root), wanted.output, report)?;
        report.note(&problem.hint(format!("to remove that: sccfg ci {other} --remove")));
        return Ok(Outcome::Done);
    }
    let hint = format!("to change that: sccfg ci {other} --remove, then sccfg ci {name}");
    Err(problem.hint(hint).into())
}

/// Reports the jobs that compile with cargo and cannot be edited.
fn note_unedited(found: &CiReport, command: &str, report: Report) {
    let obstructed = |(.., decision): &&(_, _, Decision)| decision.is_obstructed;
    for (path, job, decision) in found.jobs.iter().filter(obstructed) {
        let obstacle = &decision.why;
        let what = format!(
            "the job `{}` of {} was not changed, because {obstacle}",
            job.name,
            path.display()
        );
        report.note(&Problem::new(what).hint(format!("fix this, and run `{command}` again")));
    }
}

fn explain(found: &CiReport, json: bool, report: Report) {
    if json {
        let jobs: Vec<Value> = found
            .jobs
            .iter()
            .map(|(path, job, decision)| {
                json!({ "workflow": path, "job": job.name, "runs_on": job.runs_on, "runner": job.runner,
                    "nix": job.nix.is_entered(), "backend": decision.backend, "why": decision.why })
            })
            .collect();
        let findings = changes::findings(&found.findings);
        let all = json!({ "jobs": jobs, "findings": findings });
        report.json(&all);
        return;
    }
    let mut last = None;
    for (path, job, decision) in &found.jobs {
        if last != Some(path) {
            report.text(&format!("{}\n", path.display()));
            last = Some(path);
        }
        let why = &decision.why;
        report.data(&format!(
            "  {}: {}, because {why}\n",
            job.name,
            decision.backend.name()
        ));
    }
    for finding in &found.findings {
        report.warning(finding);
    }
}
