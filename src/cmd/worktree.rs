//! `sccfg worktree`

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

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
    let cli::WorktreeCommand::Add { arguments } = command;
    let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
    let git = find_program("git".as_ref(), &env::search_path())
        .ok_or_else(|| Problem::new("git is not on PATH").hint("install git"))?;
    let before = roots(&git, &start);
    let mut args: Vec<OsString> = vec!["worktree".into(), "add".into()];
    // sccfg has an option of this name, too.
    args.extend(report.is_quiet().then(|| "--quiet".into()));
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
    let below = Worktree::around(&start)
        .and_then(|worktree| Some(start.strip_prefix(worktree.root).ok()?.to_owned()));
    let same = root.join(below.unwrap_or_default());
    let is_in_it = |directory: &&Path| directory.starts_with(&root);
    let is_package = |directory: &&Path| {
        let mut above = directory.ancestors().take_while(is_in_it);
        above.any(|above| above.join("Cargo.toml").is_file())
    };
    // The repository may have no package, or none on this branch, nor the current directory.
    let mut directories = same.ancestors().take_while(is_in_it);
    let Some(directory) = directories.find(|directory| directory.is_dir() && is_package(directory))
    else {
        return Ok(Outcome::Done);
    };
    match seeding::seed(directory, None) {
        Ok(outcome) => seed::show(&outcome, report),
        Err(problem) => report.warning(&problem),
    }
    Ok(Outcome::Done)
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
