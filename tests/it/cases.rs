//! One flake per shape: `tests/cases/<name>/` has `case.toml`, the repository before `init` in
//! `in/`, and after it in `out/`, with one line in place of the hook's text.
//!
//! `SNAPSHOTS=overwrite cargo test cases` writes `out/` again; read the difference before it is
//! committed.

pub(crate) mod golden;
mod lines;
mod real_nix;
mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::support::Sandbox;
use golden::Tree;

/// The contents of `case.toml`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Case {
    /// The shape, in one line.
    description: String,
    /// The arguments of `init` besides `--size <size> --no-user-config`.
    #[serde(default)]
    args: Vec<String>,
    /// The size, 24GiB by default; empty for none.
    size: Option<String>,
    /// The exit status of `init`.
    exit: i32,
    /// What standard error of `init` has to contain.
    #[serde(default)]
    stderr: Vec<String>,
    /// Why the shell cannot be entered with the flakes of `tests/nix`.
    not_evaluated: Option<String>,
    /// The shells that are entered; the default one where none is named.
    #[serde(default)]
    shells: Vec<String>,
    /// The command that enters them.
    #[serde(default)]
    enter: Enter,
    /// The user's own variables, which are kept.
    #[serde(default)]
    own: BTreeMap<String, String>,
    /// What the user's own hook prints.
    hook: Option<String>,
    /// What sccfg does wrong with this flake, so that a test of it is expected to fail.
    #[serde(default)]
    defect: Defect,
    #[serde(skip)]
    directory: PathBuf,
}

/// A command that enters a shell.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Enter {
    /// `nix develop`
    #[default]
    Nix,
    /// `devenv shell`
    Devenv,
    /// One after the other.
    Both,
}

/// A known defect, by the test that shows it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Defect {
    text: Option<String>,
    shell: Option<String>,
}

impl Case {
    fn load(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let mut case: Self = toml_edit::de::from_str(&text).unwrap();
        path.parent().unwrap().clone_into(&mut case.directory);
        assert!(!case.description.is_empty());
        let kept = case.directory.join("out").exists();
        assert!(
            kept == (case.exit == 0) || golden::overwrite(),
            "out/ is for an init that succeeds"
        );
        case
    }

    /// The value of `--incremental`.
    fn incremental(&self) -> &str {
        let position = self.args.iter().position(|arg| arg == "--incremental");
        position.map_or("off", |position| &self.args[position + 1])
    }

    /// Whether sccfg becomes an input of the flake.
    fn has_input(&self) -> bool {
        self.args.iter().any(|arg| arg == "--input")
    }

    fn is_portable(&self) -> bool {
        self.args.iter().any(|arg| arg == "portable")
    }

    /// The arguments of `init`.
    fn init(&self) -> Vec<&str> {
        let mut all = vec!["-C", "repo", "init", "--no-user-config"];
        match self.size.as_deref() {
            Some("") => {}
            size => all.extend(["--size", size.unwrap_or("24GiB")]),
        }
        all.extend(self.args.iter().map(String::as_str));
        all
    }

    /// A sandbox with the repository as it is before `init`.
    fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::new();
        Tree::read(&self.directory.join("in")).write(&sandbox.path("repo"));
        sandbox
    }
}

/// Runs `check`, which has to fail where there is a known defect.
fn expecting(defect: Option<&String>, check: impl FnOnce() + std::panic::UnwindSafe) {
    match defect {
        None => check(),
        Some(defect) => assert!(
            std::panic::catch_unwind(check).is_err(),
            "fixed; remove this from case.toml: {defect}"
        ),
    }
}

#[rstest]
fn text(#[files("tests/cases/*/case.toml")] path: PathBuf) {
    let case = Case::load(&path);
    expecting(case.defect.text.as_ref(), || check_text(&case));
}

fn check_text(case: &Case) {
    let sandbox = case.sandbox();
    let repository = || Tree::read(&sandbox.path("repo"));
    let before = repository();
    let init = case.init();

    let mut dry_run = init.clone();
    dry_run.push("--dry-run");
    sandbox.sccfg(&dry_run).status(case.exit);
    before.assert_same(&repository(), "init --dry-run");

    let mut ran = sandbox.sccfg(&init).status(case.exit);
    for part in &case.stderr {
        ran = ran.stderr_has(part);
    }
    if case.exit != 0 {
        ran.stderr_has("hint:");
        before.assert_same(&repository(), "an init that fails");
        return;
    }
    if case.stderr.is_empty() {
        assert_eq!(
            ran.stderr, "",
            "a warning that no `stderr` in case.toml names"
        );
    }
    let after = repository();
    after.assert_parses();
    after.check_golden(case);
    for again in [init.as_slice(), &["-C", "repo", "init", "--no-user-config"]] {
        sandbox.sccfg(again).status(0).stdout_has("nothing to do");
        after.assert_same(&repository(), "a second init");
    }
    sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    before
        .without("sccfg.toml")
        .assert_same(&repository(), "remove");
}

/// The list of cases is made when this file is compiled; a new directory does not cause that.
#[test]
fn every_case_is_a_test() {
    let tests = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--list", "cases::text::"])
        .output()
        .unwrap();
    let tests = String::from_utf8(tests.stdout).unwrap();
    let tests = tests.lines().filter(|line| line.ends_with(": test"));
    let directories = fs::read_dir(crate::support::project().join("tests/cases")).unwrap();
    let directories =
        directories.filter(|entry| entry.as_ref().unwrap().path().join("case.toml").exists());
    assert_eq!(
        tests.count(),
        directories.count(),
        "touch tests/it/cases.rs"
    );
}
