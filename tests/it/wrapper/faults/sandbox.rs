//! The sandboxes of coding agents: only the checkout can be written to, the temporary directory is private, and there
//! is no network.

use std::fs;
use std::process::Stdio;

use rstest::rstest;

use super::{is_cached_again, is_right, project, said};
use crate::wrapper::project::{Built, Checkout, Project, Store};

/// `cargo build` in a sandbox.
fn sandboxed(project: &Project, checkout: &Checkout<'_>) -> Built {
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    let (private, log) = (
        text(project.sandbox.path("tmp")),
        // The compiler of these tests writes its log there.
        text(project.sandbox.outer().join("compile_log")),
    );
    let mut command = checkout.command("bwrap");
    command.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]);
    command.args(["--unshare-pid", "--unshare-net", "--tmpfs", &private]);
    command.args(["--bind", checkout.text(), checkout.text()]);
    command.args(["--bind", &log, &log]);
    command.args(["cargo", "build", "--offline"]);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    checkout.outcome(&["build"], &output)
}

#[requires(sccache, bwrap, mount)]
#[test]
fn a_store_that_cannot_be_written_to_answers() {
    let project = project().with(Store::On);
    project.main().cargo(&["build"]).ok();
    let checkout = project.linked("sandboxed");
    let built = is_right(&checkout, sandboxed(&project, &checkout)).all_hit();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    is_cached_again(&project);
}

#[rstest]
#[case(Store::On)]
#[case(Store::Off)]
#[requires(sccache, bwrap, mount)]
#[test]
fn a_build_with_nothing_cached_is_as_without_a_cache(#[case] store: Store) {
    let project = project().with(store);
    let state = project.sandbox.path("nothing");
    fs::create_dir(&state).unwrap();
    let checkout = project
        .linked("sandboxed")
        .with("SCCFG_WRAPPER_DIR", state.to_str().unwrap());
    is_right(&checkout, sandboxed(&project, &checkout));
    sandboxed(&project, &checkout).ok().nothing_to_do();
    // The digest of the compiler is computed for the first unit only.
    let saved = checkout.path("target/.sccfg/state/compilers");
    assert!(saved.is_dir(), "{}", saved.display());
    is_cached_again(&project);
}
