//! Showing a plan and carrying it out: what `init`, `apply` and `remove` share.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use crate::cli::PlanOutput;
use crate::plan::{Plan, Planned, What};
use crate::report::{Report, unified_diff};
use nix_shell_edit::Touched;
use sccache_control::config::secrets;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::{proc, secret};

/// Shows the plan as it was asked for, and unless this is a dry run makes it real.
pub(super) fn carry_out(plan: &Plan, output: PlanOutput, report: Report) -> Result<()> {
    for warning in &plan.warnings {
        report.warning(warning);
    }
    let mut linked = None;
    if !output.dry_run {
        plan.make()?;
        linked = put_wrapper_in_place(plan, report);
    }
    if output.json {
        report.data(&format!(
            "{}\n",
            serde_json::to_string_pretty(&as_json(plan))?
        ));
    } else if output.dry_run {
        for file in &plan.files {
            let name = plan.display(&file.change.path);
            let (before, after) = shown(file);
            report.diff(&name, before.as_deref(), after.as_deref());
        }
    } else {
        in_lines(plan, linked.as_deref(), report);
    }
    Ok(())
}

/// The portable wrapper is the machine's: it is put there for the shells that ask for it. The path,
/// if it was not there before. Without it shells take sccache itself, so that this fails nothing.
#[cfg(unix)]
fn put_wrapper_in_place(plan: &Plan, report: Report) -> Option<PathBuf> {
    use portable_wrapper::install::InstalledWrapper;
    if !plan.needs_front {
        return None;
    }
    let linked =
        InstalledWrapper::find().and_then(|front| Ok(front.install()?.then_some(front.path)));
    linked.unwrap_or_else(|mut problem| {
        problem.what = format!("shells take sccache itself: {}", problem.what);
        report.warning(&problem);
        None
    })
}

#[cfg(not(unix))]
fn put_wrapper_in_place(_plan: &Plan, _report: Report) -> Option<PathBuf> {
    None
}

fn in_lines(plan: &Plan, linked: Option<&Path>, report: Report) {
    if plan.is_empty() && linked.is_none() {
        report.line("nothing to do");
        return;
    }
    for file in &plan.files {
        let verb = match file.action() {
            "create" => "created",
            "delete" => "deleted",
            _ => "edited ",
        };
        let name = plan.display(&file.change.path);
        let summary = match file.summary.as_str() {
            "" => String::new(),
            summary => format!("  ({summary})"),
        };
        report.done(verb, &format!("{name}{summary}"));
    }
    if let Some(linked) = linked {
        report.done(
            "linked ",
            &format!("{}  (the portable wrapper)", linked.display()),
        );
    }
    for step in &plan.next {
        report.next(step);
    }
}

/// Says what to do about the plan's new files, which git does not know yet.
pub(super) fn hint_at_git(plan: &mut Plan) {
    if plan.unknown_to_git.is_empty() {
        return;
    }
    let files: Vec<String> = plan
        .unknown_to_git
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let files = files.join(" ");
    plan.next.insert(
        0,
        format!("flakes see only files that git knows: git add -N {files}"),
    );
}

/// Tells git of the plan's new files, so that flakes see them.
pub(super) fn make_known_to_git(plan: &Plan) -> Result<()> {
    let mut args = vec!["add".into(), "-N".into(), "--".into()];
    args.extend(
        plan.unknown_to_git
            .iter()
            .map(|path| path.clone().into_os_string()),
    );
    let output = proc::output("git", &args, &plan.root).context("telling git of the new files")?;
    ensure!(
        output.status.success(),
        "git add -N: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// What may be shown of the text before and after: a secret may stand beside what changes.
fn shown(file: &Planned) -> (Option<String>, Option<String>) {
    let open = |text: &String| match file.what {
        What::UserConfig | What::CargoConfig => secrets::masked(text, &file.change.path),
        What::Nix | What::Policy | What::Envrc => secret::redact_text(text).into_owned(),
    };
    let change = &file.change;
    (
        change.before.as_ref().map(open),
        change.after.as_ref().map(open),
    )
}

#[derive(Serialize)]
struct JsonPlan<'a> {
    root: String,
    files: Vec<JsonFile>,
    shells: &'a [Touched],
    warnings: Vec<JsonWarning<'a>>,
    next: &'a [String],
}

#[derive(Serialize)]
struct JsonFile {
    path: String,
    action: &'static str,
    what: What,
    summary: String,
    diff: String,
}

#[derive(Serialize)]
struct JsonWarning<'a> {
    what: &'a str,
    place: Option<&'a Place>,
    hint: Option<&'a str>,
}

fn as_json(plan: &Plan) -> JsonPlan<'_> {
    let file = |file: &Planned| {
        let path = plan.display(&file.change.path);
        let (before, after) = shown(file);
        let diff = unified_diff(&path, before.as_deref(), after.as_deref());
        let diff = anstream::adapter::strip_str(&diff).to_string();
        JsonFile {
            path,
            action: file.action(),
            what: file.what,
            summary: file.summary.clone(),
            diff,
        }
    };
    JsonPlan {
        root: plan.root.display().to_string(),
        files: plan.files.iter().map(file).collect(),
        shells: &plan.shells,
        warnings: plan.warnings.iter().map(warning).collect(),
        next: &plan.next,
    }
}

fn warning(problem: &Problem) -> JsonWarning<'_> {
    JsonWarning {
        what: &problem.what,
        place: problem.place.as_ref(),
        hint: problem.hint.as_deref(),
    }
}
