//! `sccfg gc`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::local_store::waiting;
use super::{Outcome, json_does_not_ask};
use crate::cli;
use crate::gc::{self, Finding, Plan, Removed, SearchResult, Selection, WhichIncremental};
use crate::report::Report;
use sccfg_util::interrupt::Interrupt;
use sccfg_util::printed;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// The maximum number of kept files in a note.
const NAMED: usize = 3;

pub(super) fn run(args: &cli::Gc, start: &Path, report: Report) -> Result<Outcome> {
    let selection = selection(args);
    let places = match &args.directories[..] {
        [] if is_store_alone(selection) => SearchResult::default(),
        [] => SearchResult::of_repository(start)?,
        directories => SearchResult::below(start, directories)?,
    };
    let plan = gc::plan(&places, selection, &waiting(report));
    if !args.json {
        show(&plan, report);
    }
    for problem in &plan.problems {
        report.warning(problem);
    }
    let could_look = if plan.problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::Drift
    };
    if args.dry_run || plan.findings.is_empty() {
        if args.json {
            report.json(&as_json(&plan, &[]));
        }
        return Ok(could_look);
    }
    if !args.yes && args.json {
        return Err(json_does_not_ask("remove this", ", or --dry-run").into());
    }
    if !args.yes && !is_confirmed(&plan, report)? {
        report.line("nothing was removed");
        return Ok(Outcome::Done);
    }
    // Until here, nothing was changed, and Ctrl-C may end this process.
    let interrupt = Interrupt::catch().context("could not catch Ctrl-C")?;
    let remove = |finding: &Finding| {
        let goes_on = || !interrupt.is_received();
        let says = waiting(report);
        let on_wait = |pids: &[u32]| says(pids) && goes_on();
        let ending = Ending::of(finding.remove(&places, selection, &goes_on, &on_wait));
        if !args.json {
            ending.show(finding, report);
        }
        ending
    };
    let endings: Vec<Ending> = plan.findings.iter().map(remove).collect();
    if args.json {
        report.json(&as_json(&plan, &endings));
    } else {
        report.done("freed  ", &rounded(endings.iter().map(Ending::freed).sum()));
    }
    if interrupt.is_received() {
        let problem = Problem::new("interrupted; run `sccfg gc` again to remove the rest");
        report.one_line(&problem);
        return Ok(Outcome::Interrupted);
    }
    let has_failed = endings
        .iter()
        .any(|ending| matches!(ending, Ending::Failed(_)));
    Ok(if has_failed {
        Outcome::Drift
    } else {
        could_look
    })
}

/// The kinds of findings that the options select, or the default.
fn selection(args: &cli::Gc) -> Selection {
    if !args.orphans && !args.incremental && !args.store && args.unused.is_none() {
        return Selection {
            orphans: true,
            incremental: WhichIncremental::SwitchedOff,
            unused: None,
            store: true,
        };
    }
    Selection {
        orphans: args.orphans,
        incremental: if args.incremental {
            WhichIncremental::All
        } else {
            WhichIncremental::None
        },
        unused: args.unused,
        store: args.store,
    }
}

/// Whether no target directories are searched for.
fn is_store_alone(selection: Selection) -> bool {
    let Selection {
        orphans,
        incremental,
        unused,
        store,
    } = selection;
    store && !orphans && incremental == WhichIncremental::None && unused.is_none()
}

fn rounded(bytes: u64) -> String {
    ByteSize::from_bytes(bytes).rounded()
}

/// Lists the findings and the kept files.
fn show(plan: &Plan, report: Report) {
    if plan.findings.is_empty() {
        report.line("nothing to remove");
    } else {
        report.text(&table(plan));
    }
    for kept in &plan.kept {
        report.note(&Problem::new(format!(
            "kept {}: {}",
            printed::path(&kept.path),
            kept.why
        )));
    }
    for finding in plan.findings.iter().filter(|found| !found.stays.is_empty()) {
        let what = format!(
            "{} stays, because cargo did not make {}",
            printed::path(&finding.path),
            names(&finding.path, &finding.stays)
        );
        report.note(&Problem::new(what).hint("remove those that you do not need by hand"));
    }
    if !plan.gone.is_empty() {
        let what = format!(
            "git still lists worktrees that are gone: {}",
            shown(&plan.gone).join(", ")
        );
        report.note(&Problem::new(what).hint("`git worktree prune` removes them from git's list"));
    }
}

/// The first few of `paths`, relative to `root`.
fn names(root: &Path, paths: &[PathBuf]) -> String {
    let relative = |path: &PathBuf| printed::path(path.strip_prefix(root).unwrap_or(path));
    let named: Vec<String> = paths.iter().take(NAMED).map(relative).collect();
    match paths.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn table(plan: &Plan) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["frees", "", "reason"]);
    for finding in &plan.findings {
        let path = printed::path(&finding.path);
        table.add_row([rounded(finding.freed), path, finding.reason.clone()]);
    }
    table.add_row([rounded(plan.freed()), "in all".to_owned(), String::new()]);
    for column in table.column_iter_mut().take(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

fn is_confirmed(plan: &Plan, report: Report) -> Result<bool, Problem> {
    let what = format!("remove this ({})?", rounded(plan.freed()));
    report.ask(&what).ok_or_else(|| {
        Problem::new("could not ask whether to remove this: not a terminal").hint("pass --yes")
    })
}

/// The outcome of a finding.
enum Ending {
    Removed(u64),
    Kept(String),
    Interrupted,
    Failed(Problem),
}

impl Ending {
    fn of(removed: Result<Removed, Problem>) -> Self {
        match removed {
            Ok(Removed::Gone(freed)) => Self::Removed(freed),
            Ok(Removed::Kept(why)) => Self::Kept(why),
            Ok(Removed::Interrupted) => Self::Interrupted,
            Err(problem) => Self::Failed(problem),
        }
    }

    fn show(&self, finding: &Finding, report: Report) {
        let path = printed::path(&finding.path);
        match self {
            Self::Removed(_) => report.done("cleaned", &path),
            Self::Kept(why) => report.note(&Problem::new(format!("kept {path}: {why}"))),
            Self::Interrupted => {}
            Self::Failed(problem) => report.warning(problem),
        }
    }

    fn freed(&self) -> u64 {
        match self {
            Self::Removed(freed) => *freed,
            _ => 0,
        }
    }
}

fn as_json(plan: &Plan, endings: &[Ending]) -> Value {
    let findings = plan.findings.iter().enumerate().map(|(nth, finding)| {
        let (state, why) = match endings.get(nth) {
            None => ("found", None),
            Some(Ending::Removed(_)) => ("removed", None),
            Some(Ending::Kept(why)) => ("kept", Some(why.clone())),
            Some(Ending::Interrupted) => ("interrupted", None),
            Some(Ending::Failed(problem)) => ("failed", Some(problem.to_string())),
        };
        json!({
            "kind": finding.kind,
            "path": finding.path.display().to_string(),
            "reason": finding.reason,
            "frees": finding.freed,
            "stays": shown(&finding.stays),
            "state": state,
            "why": why,
        })
    });
    let kept = plan
        .kept
        .iter()
        .map(|kept| json!({ "path": kept.path.display().to_string(), "why": kept.why }));
    json!({
        "findings": findings.collect::<Vec<_>>(),
        "kept": kept.collect::<Vec<_>>(),
        "gone_worktrees": shown(&plan.gone),
        "frees": plan.freed(),
        "freed": endings.iter().map(Ending::freed).sum::<u64>(),
    })
}

/// Paths as strings, because JSON has only text.
fn shown(paths: &[PathBuf]) -> Vec<String> {
    let shown = paths.iter().map(|path| path.display().to_string());
    shown.collect()
}
