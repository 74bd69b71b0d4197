//! `sccfg docker`

use std::path::{Component, Path};

use anyhow::Result;
use serde_json::{Value, json};

use super::{Outcome, changes};
use crate::cli::{self, PlanOutput};
use crate::plan::{self, DockerReport, Files, Plan};
use crate::report::Report;
use crate::repository::Repository;
use crate::sccfg_toml;
use sccfg_util::fsio;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;

pub(super) fn run(args: &cli::Docker, start: &Path, report: Report) -> Result<Outcome> {
    let repository = locate(start)?;
    if args.remove {
        let plan = plan::remove_docker_and_policy(&repository)?;
        changes::carry_out(&plan, args.output, report)?;
        return Ok(Outcome::Done);
    }
    let mut policy = repository
        .policy()?
        .map(|(policy, _)| policy)
        .unwrap_or_default();
    policy.docker.compose |= args.compose;
    let named = args
        .files
        .iter()
        .map(|file| in_repository(&repository, start, file))
        .collect::<Result<Vec<_>, _>>()?;
    let files = if named.is_empty() {
        Files::Found
    } else {
        Files::Named(&named)
    };
    let (mut plan, found) = plan::add_docker(&repository, &policy, files)?;
    if args.explain {
        explain(&found, args.output.json, report);
        return Ok(Outcome::Done);
    }
    if found.files.is_empty() && !policy.docker.compose {
        for finding in &found.findings {
            report.warning(finding);
        }
        return Err(Problem::new(format!(
            "no Dockerfile in {} has an instruction that sccfg can make faster",
            repository.root.display()
        ))
        .hint("`sccfg docker --explain` prints the decision for each")
        .into());
    }
    plan.warnings.extend(found.findings.iter().cloned());
    let dry_run = args.output.dry_run || args.check;
    if !dry_run && !plan.is_empty() {
        next_steps(&mut plan, &found);
    }
    changes::carry_out(
        &plan,
        PlanOutput {
            dry_run,
            ..args.output
        },
        report,
    )?;
    if args.check && !plan.is_empty() {
        report.warning(&Problem::new("the Dockerfiles are out of date").hint("run: sccfg docker"));
        return Ok(Outcome::Drift);
    }
    Ok(Outcome::Done)
}

/// The repository that contains `start`: by its policy or its flake, otherwise the git repository.
fn locate(start: &Path) -> Result<Repository, Problem> {
    let found = Repository::locate(None, start)?;
    let is_known = ["flake.nix", sccfg_toml::FILE_NAME]
        .iter()
        .any(|name| fsio::exists(&found.path(name)));
    Ok(if is_known {
        found
    } else {
        Repository::locate_by(start, ".git")
    })
}

/// The path of a file that is named from `start`, relative to the repository.
fn in_repository(repository: &Repository, start: &Path, file: &str) -> Result<String, Problem> {
    let mut path = std::path::PathBuf::new();
    for part in start.join(file).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    let mut root = std::path::PathBuf::new();
    root.extend(
        repository
            .root
            .components()
            .filter(|component| *component != Component::CurDir),
    );
    let relative = path.strip_prefix(&root).ok().and_then(Path::to_str);
    relative.map(str::to_owned).ok_or_else(|| {
        Problem::new(format!("{file} is not in {}", repository.root.display()))
            .hint("pass a file of this repository")
    })
}

fn next_steps(plan: &mut Plan, found: &DockerReport) {
    if let Some(file) = found.files.first() {
        let secrets: String = found
            .secrets
            .iter()
            .map(|secret| format!(" --secret id={secret}"))
            .collect();
        let file = if file == "Dockerfile" {
            String::new()
        } else {
            format!(" -f {}", quote(file))
        };
        plan.next
            .push(format!("build it: docker build{file}{secrets} ."));
    }
}

fn explain(found: &DockerReport, json: bool, report: Report) {
    if json {
        let instructions: Vec<Value> = found
            .decisions
            .iter()
            .map(|(path, it)| {
                json!({ "file": path, "line": it.line, "stage": it.stage, "cached": it.is_cached, "why": it.why })
            })
            .collect();
        let findings = changes::findings(&found.findings);
        let all =
            json!({ "instructions": instructions, "secrets": found.secrets, "findings": findings });
        report.json(&all);
        return;
    }
    let mut last = None;
    for (path, decision) in &found.decisions {
        if last != Some(path) {
            report.text(&format!("{}\n", path.display()));
            last = Some(path);
        }
        report.data(&format!(
            "  line {}, {}: {}\n",
            decision.line, decision.stage, decision.why
        ));
    }
    for finding in &found.findings {
        report.warning(finding);
    }
}
