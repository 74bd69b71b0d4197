//! S001 to S004 and S030: variables of the shell.

use std::fs;
use std::os::unix::fs::symlink;

use super::DevShell;
use crate::support::{other_sccache, sccache};

#[requires(sccache, proc)]
#[test]
fn a_wrapper_that_cannot_be_run_is_an_error() {
    let shell = DevShell::new().with("RUSTC_WRAPPER", "/nowhere/sccache");
    shell.finds(
        "S001",
        &[
            "error[S001]",
            "`/nowhere/sccache`",
            "variable RUSTC_WRAPPER",
        ],
    );
}

/// As after `sccfg wrapper clean` in an open shell, where sccache itself is found.
#[requires(sccache, proc)]
#[test]
fn a_portable_wrapper_that_is_gone_is_an_error() {
    let shell = DevShell::new();
    let sccache = shell.machine.sccache.display().to_string();
    let run = |args: &[&str]| shell.machine.sccfg(args).status(0).stdout;
    let wrapper = run(&["wrapper", "path"]).trim_end().to_owned();
    run(&["wrapper", "clean"]);
    let shell = shell
        .with("RUSTC_WRAPPER", &wrapper)
        .with("SCCFG_SCCACHE", &sccache);
    shell.finds("S001", &["error[S001]", &wrapper, "sccfg wrapper install"]);
    let elsewhere = "/nowhere/sccfg/wrapper/sccache";
    let shell = shell.with("RUSTC_WRAPPER", elsewhere);
    shell.finds("S001", &["error[S001]", elsewhere, "enter it again"]);
}

#[requires(sccache, proc)]
#[test]
fn no_sccache_at_all_is_reported() {
    let shell = DevShell::new()
        .without("RUSTC_WRAPPER")
        .without("IN_NIX_SHELL")
        .with("PATH", "/nowhere");
    shell.finds("S001", &["warning[S001]", "nix develop"]);
}

/// A directory with both versions first on `PATH` in this order.
fn with_versions(first: &std::path::Path, second: &std::path::Path) -> DevShell {
    let shell = DevShell::of(first.to_owned());
    for (name, sccache) in [("one", first), ("two", second)] {
        let directory = shell.path(name);
        fs::create_dir(&directory).unwrap();
        symlink(sccache, directory.join("sccache")).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let [one, two] = ["one", "two"].map(|name| shell.path(name).display().to_string());
    shell.with("PATH", &format!("{one}:{two}:{path}"))
}

#[requires(sccache, other_sccache, proc)]
#[test]
fn several_versions_on_the_search_path_are_listed() {
    let (one, other) = (sccache(), other_sccache());
    let shell = with_versions(&one, &other);
    // A dev shell's own comes first.
    shell.is_healthy();
    let shell = shell.without("IN_NIX_SHELL");
    let [one, other] = [&one, &other].map(|sccache| crate::support::version(sccache).to_string());
    shell.finds("S002", &[&one, &other, "two/sccache"]);
}

#[requires(sccache, other_sccache, proc)]
#[test]
fn an_older_sccache_before_that_of_the_wrapper_is_reported_in_a_dev_shell_too() {
    let (one, other) = (sccache(), other_sccache());
    let shell = with_versions(&other, &one).with("RUSTC_WRAPPER", one.to_str().unwrap());
    let ran = shell.doctor(&[]).status(1);
    ran.stdout_has("[S002]");
}

#[requires(sccache, proc)]
#[test]
fn a_relative_wrapper_is_reported() {
    let shell = DevShell::new();
    symlink(&shell.machine.sccache, shell.path("repo/sccache")).unwrap();
    let shell = shell.with("RUSTC_WRAPPER", "./sccache");
    shell.finds("S003", &["`./sccache`", "export RUSTC_WRAPPER=/"]);
}

#[requires(sccache, proc)]
#[test]
fn a_dev_shell_without_a_wrapper_is_reported_unless_intended() {
    let shell = DevShell::new().without("RUSTC_WRAPPER");
    shell.finds("S004", &["variable RUSTC_WRAPPER"]);
    let shell = shell.with("RUSTC_WRAPPER", "");
    shell.is_healthy();
    // Outside of a dev shell there is none.
    let shell = shell.without("RUSTC_WRAPPER").without("IN_NIX_SHELL");
    shell.is_healthy();
}

#[requires(sccache, proc)]
#[test]
fn incremental_compilation_against_the_policy_is_reported() {
    let shell = DevShell::new().with("CARGO_INCREMENTAL", "1");
    shell.finds("S030", &["error[S030]", "unset CARGO_INCREMENTAL"]);
    let shell = shell.without("CARGO_INCREMENTAL");
    shell.finds("S030", &["warning[S030]", "export CARGO_INCREMENTAL=0"]);
    let init = ["-C", "repo", "init", "--incremental", "workspace"];
    shell.machine.sccfg(&init).status(0);
    shell.is_healthy();
    let shell = shell.with("CARGO_INCREMENTAL", "0");
    shell.finds("S030", &["`workspace` leaves it to the profiles"]);
}
