//! `sccfg audit`

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::{Outcome, json_does_not_ask};
use crate::audit::{self, Audit, Audited, Checkout, Listener, Setup, Step, Unmanaged, steps};
use crate::cli;
use crate::doctor::Diagnosis;
use crate::report::{AuditText, Progress, Report};
use sccfg_util::problem::Problem;

/// How often the repositories are examined again after changes.
const MAX_ROUNDS: usize = 3;

pub(super) fn run(args: &cli::Audit, start: &Path, report: Report) -> Result<Outcome> {
    let directories: Vec<PathBuf> = match &args.directories[..] {
        [] => vec![start.to_owned()],
        named => named.iter().map(|named| start.join(named)).collect(),
    };
    let examine = || {
        let progress = report.progress();
        audit::audit(&directories, args.sizes, &Shown(progress))
    };
    let mut audit = examine()?;
    let mut changes = Changes::default();
    if args.fix {
        changes = fix(&mut audit, args, &examine, report)?;
    }
    if args.json {
        report.json_without_secrets(as_json(&audit, &changes));
    } else if !args.dry_run {
        report.audit(&AuditText {
            audit: &audit,
            start,
            all: args.all,
            sizes: args.sizes,
        });
    }
    let is_clean = audit.machine.is_empty()
        && audit
            .repositories
            .iter()
            .all(|audited| audited.found.is_empty());
    Ok(if is_clean && !changes.has_failed {
        Outcome::Done
    } else {
        Outcome::Drift
    })
}

struct Shown(Progress);

impl Listener for Shown {
    fn begin(&self, what: &str, parts: Option<u64>) {
        self.0.begin(what, parts);
    }

    fn part(&self, path: &Path) {
        self.0.part(&path.display().to_string());
    }
}

/// The outcome of `--fix`.
#[derive(Default)]
struct Changes {
    /// The changes that `--dry-run` lists.
    planned: Vec<Value>,
    /// The changes that were made.
    done: Vec<Value>,
    has_failed: bool,
}

/// Makes the changes after a confirmation, and updates `audit`.
fn fix(
    audit: &mut Audit,
    args: &cli::Audit,
    examine: &dyn Fn() -> Result<Audit>,
    report: Report,
) -> Result<Changes> {
    let mut unmanaged = if args.init {
        Unmanaged::SetUp
    } else {
        Unmanaged::Leave
    };
    let mut changes = Changes::default();
    let mut tried = Vec::new();
    for round in 0..MAX_ROUNDS {
        let mut steps = steps(audit, unmanaged);
        steps.retain(|step| !tried.contains(&name(step)));
        if steps.is_empty() {
            if round == 0 && !args.json {
                report.line("nothing to change");
            }
            break;
        }
        // A change may cause a new finding, such as a larger requested size.
        if round == 0 {
            if !args.json {
                list(&steps, report);
            }
            if args.dry_run {
                changes.planned = steps.iter().map(step_json).collect();
                return Ok(changes);
            }
            if !args.yes && args.json {
                return Err(json_does_not_ask("make changes", ", or --dry-run").into());
            }
            if !args.yes && !is_confirmed(&steps, report)? {
                report.line("nothing was changed");
                return Ok(changes);
            }
        }
        for step in &steps {
            tried.push(name(step));
            match step.apply() {
                Ok(()) => changes.done.push(step_json(step)),
                Err(problem) => {
                    changes.has_failed = true;
                    report.warning(&problem);
                }
            }
        }
        // A repository that was just set up is not set up again.
        unmanaged = Unmanaged::Leave;
        *audit = examine()?;
    }
    let done = &changes.done;
    if !done.is_empty() && !args.json {
        let repositories: std::collections::BTreeSet<String> =
            done.iter().map(|step| step["root"].to_string()).collect();
        let changes = count(done.len(), "change");
        let repositories = count(repositories.len(), "place");
        report.done("made   ", &format!("{changes} in {repositories}"));
        report.next("undo them in a repository: sccfg -C DIR remove");
    }
    Ok(changes)
}

fn name(step: &Step<'_>) -> (Option<PathBuf>, String) {
    (step.root.map(Path::to_owned), step.what.clone())
}

fn list(steps: &[Step<'_>], report: Report) {
    let mut last = None;
    for step in steps {
        if last != Some(step.root) {
            let root = step.root.map(|root| root.display().to_string());
            report.line(&root.unwrap_or_else(|| "this machine".to_owned()));
            last = Some(step.root);
        }
        report.line(&format!("  {}", step.what));
    }
}

fn is_confirmed(steps: &[Step<'_>], report: Report) -> Result<bool, Problem> {
    let question = match steps.len() {
        1 => "make this change?".to_owned(),
        more => format!("make these {more} changes?"),
    };
    report.ask(&question).ok_or_else(|| {
        Problem::new("could not ask whether to make these changes: not a terminal")
            .hint("pass --yes")
    })
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        more => format!("{more} {what}s"),
    }
}

fn step_json(step: &Step<'_>) -> Value {
    json!({ "root": step.root.map(shown), "what": step.what })
}

/// A path as a string, because JSON has only text.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn as_json(audit: &Audit, changes: &Changes) -> Value {
    let repositories: Vec<Value> = audit.repositories.iter().map(repository).collect();
    let machine: Vec<Value> = audit.machine.iter().map(Diagnosis::json).collect();
    json!({
        "repositories": repositories,
        "machine": machine,
        "planned": changes.planned,
        "done": changes.done,
    })
}

fn repository(audited: &Audited) -> Value {
    let policy = audited.policy().map(|policy| {
        json!({
            "size": policy.cache.size.map(|size| size.to_string()),
            "incremental": policy.cargo.incremental,
            "wrapper": policy.cargo.wrapper,
            "linker": policy.cargo.linker,
        })
    });
    let own = audited.own.iter().map(|own| {
        let place = &own.place;
        json!({
            "name": own.name,
            "value": own.value,
            "where": { "file": shown(&place.path), "line": place.line, "column": place.column },
        })
    });
    let problems = audited.found.iter().map(Diagnosis::json);
    let gone = audited.gone.iter().map(|gone| shown(&gone.root));
    json!({
        "root": shown(audited.root()),
        "policy": policy,
        "own_settings": own.collect::<Vec<_>>(),
        "setup": setup(&audited.setup),
        "worktrees": audited.worktrees.iter().map(worktree).collect::<Vec<_>>(),
        "gone_worktrees": gone.collect::<Vec<_>>(),
        "problems": problems.collect::<Vec<_>>(),
    })
}

fn setup(setup: &Setup) -> Value {
    match setup {
        Setup::Managed { outdated } => json!({ "state": "managed", "outdated": outdated }),
        Setup::Faulty => json!({ "state": "faulty" }),
        Setup::Edits(files) => json!({ "state": "unmanaged", "init_changes": files }),
        Setup::Generates => {
            json!({ "state": "unmanaged", "init_changes": ["flake.nix", "sccfg.toml"] })
        }
        Setup::Refused(problem) => {
            json!({ "state": "unmanaged", "init_refuses": problem.to_string() })
        }
    }
}

fn worktree(checkout: &Checkout) -> Value {
    json!({
        "root": shown(&checkout.root),
        "linked": checkout.is_linked,
        "policy": checkout.has_policy,
        "target": checkout.target.as_ref().map(|target| json!({
            "path": shown(&target.path),
            "frees": target.frees,
        })),
    })
}
