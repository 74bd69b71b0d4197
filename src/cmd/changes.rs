//! Prints a plan and applies it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::PlanOutput;
use crate::git;
use crate::plan::{FileKind, Plan, PlannedFile};
use crate::report::{Report, unified_diff};
use nix_shell_edit::Touched;
use sccache_control::config::secrets;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::secret;

/// Findings for the JSON output.
pub(super) fn findings(all: &[Problem]) -> Vec<Value> {
    all.iter()
        .map(
            |problem| json!({ "what": problem.what, "place": problem.place, "hint": problem.hint }),
        )
        .collect()
}

/// Prints the plan in the requested form and, unless this is a dry run, applies it.
pub(super) fn carry_out(plan: &Plan, output: PlanOutput, report: Report) -> Result<()> {
    for warning in &plan.warnings {
        report.warning(warning);
    }
    let mut linked = None;
    if !output.dry_run {
        plan.write()?;
        linked = install_wrapper(plan, report);
    }
    if output.json {
        report.json(&json!(as_json(plan)));
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

/// Installs the portable wrapper if the shells need it. Returns its path if it was not there before.
/// A failure is only a warning, because shells then use plain sccache.
fn install_wrapper(plan: &Plan, report: Report) -> Option<PathBuf> {
    use portable_wrapper::install::InstalledWrapper;
    if !plan.needs_wrapper {
        return None;
    }
    let linked =
        InstalledWrapper::find().and_then(|wrapper| Ok(wrapper.install()?.then_some(wrapper.path)));
    linked.unwrap_or_else(|mut problem| {
        problem.what = format!("shells will use plain sccache: {}", problem.what);
        report.warning(&problem);
        None
    })
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
        let name = plan.display_with_target(&file.change.path);
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

/// Adds the step that makes new files visible to flakes.
pub(super) fn add_git_step(plan: &mut Plan) {
    if plan.untracked.is_empty() {
        return;
    }
    let files: Vec<String> = plan
        .untracked
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let files = files.join(" ");
    plan.next.insert(
        0,
        format!("flakes see only files that git tracks: git add -N {files}"),
    );
}

/// Runs `git add -N` for those of the new files of the plan, and of `others` below its root, that git neither tracks nor ignores.
pub(super) fn git_add(plan: &Plan, others: &[&str]) -> Result<()> {
    let created = plan
        .files
        .iter()
        .filter(|file| file.change.before.is_none() && file.change.after.is_some());
    let files: BTreeSet<&Path> = created
        .filter_map(|file| file.change.path.strip_prefix(&plan.root).ok())
        .chain(plan.untracked.iter().map(PathBuf::as_path))
        .chain(others.iter().map(Path::new))
        .collect();
    let untracked = git::untracked(files, &plan.root)?;
    if untracked.is_empty() {
        return Ok(());
    }
    let mut args = ["add", "-N", "--"].map(OsStr::new).to_vec();
    args.extend(untracked.iter().map(OsString::as_os_str));
    git::checked_output(&args, &plan.root, "could not add the new files to git")?;
    Ok(())
}

/// The texts before and after without secrets, which may be near a changed line.
fn shown(file: &PlannedFile) -> (Option<String>, Option<String>) {
    let open = |text: &String| match file.kind {
        FileKind::UserConfig | FileKind::CargoConfig | FileKind::UserCargoConfig => {
            secrets::masked(text, &file.change.path)
        }
        FileKind::Nix
        | FileKind::DevenvYaml
        | FileKind::Policy
        | FileKind::Envrc
        | FileKind::Ci
        | FileKind::Docker
        | FileKind::UserSettings
        | FileKind::DistConfig => secret::redact_text(text).into_owned(),
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
    what: FileKind,
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
    let file = |file: &PlannedFile| {
        let path = plan.display(&file.change.path);
        let (before, after) = shown(file);
        let diff = unified_diff(&path, before.as_deref(), after.as_deref());
        let diff = anstream::adapter::strip_str(&diff).to_string();
        JsonFile {
            path,
            action: file.action(),
            what: file.kind,
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
