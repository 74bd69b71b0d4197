//! `sccfg ci`

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Outcome, changes};
use crate::ci::{Cargo, Ci, DIRECTORIES, Provider};
use crate::cli::{self, PlanOutput};
use crate::plan::{self, CiReport};
use crate::report::Report;
use crate::repository::Repository;
use sccfg_util::problem::Problem;

pub(super) fn run(args: &cli::Ci, start: &Path, report: Report) -> Result<Outcome> {
    let cli::Ci::GitHub(args) = args;
    let repository = Repository::locate_by(start, ".github/workflows");
    let mut policy = repository
        .policy()?
        .map(|(policy, _)| policy)
        .unwrap_or_default();
    policy.ci.provider = (!args.remove).then_some(Provider::GitHub);
    if let Some(backend) = args.backend {
        policy.ci.backend = backend;
    }
    if args.remove {
        policy.ci = Ci::default();
    }
    let (plan, found) = plan::ci_github(&repository, &policy)?;
    if args.explain {
        explain(&found, args.output.json, report)?;
        return Ok(Outcome::Done);
    }
    if !args.remove
        && found
            .jobs
            .iter()
            .all(|(_, job, _)| job.cargo != Cargo::Compiles)
    {
        return Err(Problem::new(format!(
            "no job in {} compiles with cargo",
            repository.path(".github/workflows").display()
        ))
        .hint("`sccfg ci github --explain` prints what was found in each job")
        .into());
    }
    let dry_run = args.output.dry_run || args.check;
    changes::carry_out(
        &plan,
        PlanOutput {
            dry_run,
            ..args.output
        },
        report,
    )?;
    if !dry_run && args.remove {
        repository.remove_empty_directories(&DIRECTORIES);
    }
    for finding in &found.findings {
        report.warning(finding);
    }
    if args.check && !plan.is_empty() {
        report.warning(&Problem::new("the workflows are out of date").hint("run: sccfg ci github"));
        return Ok(Outcome::Drift);
    }
    Ok(Outcome::Done)
}

fn explain(found: &CiReport, json: bool, report: Report) -> Result<()> {
    if json {
        let jobs: Vec<Value> = found
            .jobs
            .iter()
            .map(|(path, job, decision)| {
                json!({ "workflow": path, "job": job.name, "runs_on": job.runs_on, "runner": job.runner,
                    "nix": job.by_nix, "backend": decision.backend, "why": decision.why })
            })
            .collect();
        let findings: Vec<Value> = found
            .findings
            .iter()
            .map(|it| json!({ "what": it.what, "place": it.place, "hint": it.hint }))
            .collect();
        let all = json!({ "jobs": jobs, "findings": findings });
        report.data(&format!("{}\n", serde_json::to_string_pretty(&all)?));
        return Ok(());
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
    Ok(())
}
