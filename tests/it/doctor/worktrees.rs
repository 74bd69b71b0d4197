//! S058: git worktrees whose hook never ran.

use super::DevShell;
use crate::support::Ran;

/// A committed repository with a linked worktree `other`.
fn with_worktree() -> DevShell {
    let shell = DevShell::new();
    shell
        .machine
        .sccfg(&["-C", "repo", "init", "--direnv"])
        .status(0);
    shell.write("home/.config/direnv/lib/hm-nix-direnv.sh", "# nix-direnv\n");
    shell.commit();
    shell.git("repo", &["worktree", "add", "--quiet", "../other"]);
    shell
}

#[track_caller]
fn allow(shell: &DevShell, directory: &str) {
    let mut direnv = shell.machine.sandbox.command("direnv");
    let direnv = direnv.arg("allow").current_dir(shell.path(directory));
    Ran::new("direnv allow".into(), &direnv.output().unwrap()).status(0);
}

#[requires(sccache, direnv, proc)]
#[test]
fn a_worktree_that_direnv_was_never_allowed_to_load_is_told() {
    let shell = with_worktree();
    allow(&shell, "repo");
    let other = shell.path("other/.envrc").canonicalize().unwrap();
    shell.finds("S058", &[other.to_str().unwrap(), "direnv allow"]);
    allow(&shell, "other");
    shell.is_healthy();
}

#[requires(sccache, direnv, proc)]
#[test]
fn a_worktree_that_cargo_built_incrementally_is_told() {
    let shell = with_worktree();
    allow(&shell, "repo");
    allow(&shell, "other");
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
