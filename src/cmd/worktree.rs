//! `sccfg worktree`

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::{Outcome, seed};
use crate::cli;
use crate::report::Report;
use crate::seeding;
use crate::worktrees::Worktree;
use sccfg_util::problem::Problem;
use sccfg_util::proc::Program;
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

pub(super) fn run(command: &cli::WorktreeCommand, start: &Path, report: Report) -> Result<Outcome> {
    let cli::WorktreeCommand::Add { arguments, json } = command;
    let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
    let git = find_program("git".as_ref(), &env::search_path())
        .ok_or_else(|| Problem::new("git is not on PATH").hint("install git"))?;
    let before = roots(&git, &start);
    let mut args: Vec<OsString> = vec!["worktree".into(), "add".into()];
    // sccfg has an option of this name, too.
    args.extend((report.is_quiet() || *json).then(|| "--quiet".into()));
    args.extend(arguments.iter().cloned());
    let program = Program {
        path: &git,
        args: &args,
        changes: &[],
        directory: Some(&start),
    };
    let status = program.status(<[u8]>::to_vec)?;
    if !status.success() {
        // git has said why. Its own status, such as 128, is none of sccfg's.
        return Ok(Outcome::Failed);
    }
    let mut added = roots(&git, &start)
        .into_iter()
        .filter(|root| !before.contains(root));
    let Some(root) = added.next() else {
        return Ok(Outcome::Done);
    };
    let outcome = package_in(&root, &start).map(|directory| seeding::seed(&directory, None));
    if let Some(Err(problem)) = &outcome {
        report.warning(problem);
    }
    if *json {
        report.json(&as_json(&root, outcome));
    } else if let Some(Ok(outcome)) = &outcome {
        seed::show(outcome, report);
    }
    Ok(Outcome::Done)
}

/// The fields of `sccfg seed --json`, and the root of the new worktree.
fn as_json(root: &Path, outcome: Option<Result<seeding::Outcome, Problem>>) -> Value {
    let mut value = match outcome {
        Some(Ok(outcome)) => seed::as_json(&outcome),
        Some(Err(problem)) => json!({ "units": 0, "why": problem.what }),
        None => json!({ "units": 0, "why": "there is no package" }),
    };
    value["root"] = root.display().to_string().into();
    value
}

/// The directory of a new worktree to seed: the same as `start`, or the nearest one above it that is in a package. `None`
/// if there is no package.
fn package_in(root: &Path, start: &Path) -> Option<PathBuf> {
    let below = Worktree::around(start)
        .and_then(|worktree| Some(start.strip_prefix(worktree.root).ok()?.to_owned()));
    let same = root.join(below.unwrap_or_default());
    let is_in_it = |directory: &&Path| directory.starts_with(root);
    let is_package = |directory: &&Path| {
        let mut above = directory.ancestors().take_while(is_in_it);
        above.any(|above| above.join("Cargo.toml").is_file())
    };
    // The repository may have no package, or none on this branch, nor the current directory.
    let mut directories = same.ancestors().take_while(is_in_it);
    let found = directories.find(|directory| directory.is_dir() && is_package(directory));
    found.map(Path::to_owned)
}

/// The roots of all worktrees that exist, of the repository that git takes for the one of `directory`: a bare one, for
/// example.
fn roots(git: &Path, directory: &Path) -> Vec<PathBuf> {
    let program = Program {
        path: git,
        args: &["worktree", "list", "--porcelain"].map(OsString::from),
        changes: &[],
        directory: Some(directory),
    };
    let output = program.output().map(|output| output.stdout);
    let output = output.unwrap_or_default();
    let lines = output.split(|byte| *byte == b'\n');
    let roots = lines.filter_map(|line| line.strip_prefix(b"worktree "));
    let roots = roots.map(|root| PathBuf::from(OsStr::from_bytes(root)));
    roots
        .filter(|root| fsio::exists(&root.join(".git")))
        .collect()
}
