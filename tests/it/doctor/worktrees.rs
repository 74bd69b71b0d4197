//! S058: git worktrees whose hook never ran.

use super::DevShell;
use crate::support::Ran;

/// A committed repository with a linked worktree `other`.
fn with_worktree() -> DevShell {
    let shell = DevShell::with_direnv();
    shell.commit();
    shell.git("repo", &["worktree", "add", "--quiet", "../other"]);
    shell
}

#[requires(sccache, direnv, proc)]
#[test]
fn a_worktree_that_direnv_was_never_allowed_to_load_is_reported() {
    let shell = with_worktree();
    shell.allow("repo");
    let other = shell.path("other/.envrc").canonicalize().unwrap();
    shell.finds("S058", &[other.to_str().unwrap(), "direnv allow"]);
    shell.allow("other");
    shell.is_healthy();
}

#[requires(sccache, direnv, proc)]
#[test]
fn a_worktree_that_cargo_built_incrementally_is_reported() {
    let shell = with_worktree();
    shell.allow("repo");
    shell.allow("other");
    let build = |incremental: &str| {
        let mut cargo = shell.machine.sandbox.command("cargo");
        cargo
            .args(["build", "--offline", "--quiet"])
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_INCREMENTAL", incremental)
            .current_dir(shell.path("other"));
        Ran::new("cargo build".into(), &cargo.output().unwrap()).status(0);
    };
    build("0");
    shell.is_healthy();
    build("1");
    shell.finds("S058", &["other/target/debug/incremental"]);
    let ran = shell.doctor_in("other", &[]).status(1);
    ran.stdout_has("[S058]")
        .stdout_has("target/debug/incremental");
}
