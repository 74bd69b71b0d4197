//! Projects within projects, and commands that are given another directory: nothing outside of the project is changed.

use std::fs;
use std::process::Command;

use rstest::rstest;

use crate::cases::golden::Tree;
use crate::support::Sandbox;

const FLAKE: &str = "{
  outputs = { nixpkgs, ... }:
    let pkgs = nixpkgs.legacyPackages.x86_64-linux; in
    { devShells.x86_64-linux.default = pkgs.mkShell { packages = [ ]; }; };
}
";
const WORKFLOW: &str = "\
on: push
jobs:
  test:
    runs-on: self-hosted
    steps:
      - uses: actions/checkout@v4
      - run: cargo test
";

fn init(sandbox: &Sandbox, directory: &str) {
    sandbox
        .sccfg(&["-C", directory, "init", "--no-user-config"])
        .status(0);
}

/// What is in `directory` of the sandbox.
fn tree(sandbox: &Sandbox, directory: &str) -> Tree {
    Tree::read(&sandbox.path(directory))
}

#[test]
fn remove_leaves_a_project_below() {
    let sandbox = Sandbox::new()
        .file("repo/flake.nix", FLAKE)
        .file("repo/tools/inner/flake.nix", FLAKE);
    init(&sandbox, "repo/tools/inner");
    init(&sandbox, "repo");
    let inner = tree(&sandbox, "repo/tools/inner");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
    assert_eq!(tree(&sandbox, "repo/tools/inner"), inner);
    // It was not managed here at all.
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(tree(&sandbox, "repo/tools/inner"), inner);
}

#[test]
fn remove_leaves_other_work_trees_below() {
    let sandbox = Sandbox::new().file("repo/flake.nix", FLAKE);
    init(&sandbox, "repo");
    let managed = sandbox.read("repo/flake.nix");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        let git = git.args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        let ran = git.arg("-C").arg(sandbox.path("repo")).args(args).output();
        assert!(ran.unwrap().status.success(), "{args:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "managed"]);
    git(&["worktree", "add", "--quiet", "--detach", ".trees/other"]);
    git(&["clone", "--quiet", ".", "vendored"]);
    for path in [".trees/other", "vendored"] {
        fs::remove_file(sandbox.path(&format!("repo/{path}/sccfg.toml"))).unwrap();
    }
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
    assert_eq!(sandbox.read("repo/.trees/other/flake.nix"), managed);
    assert_eq!(sandbox.read("repo/vendored/flake.nix"), managed);
}

/// `git add` refuses ignored files, but a flake that was added before they were ignored is used.
#[rstest]
#[case::gitignore("repo/.gitignore")]
#[case::exclude("repo/.git/info/exclude")]
fn remove_restores_ignored_files(#[case] ignored: &str) {
    let flake = "{
  outputs = { nixpkgs, ... }:
    let pkgs = nixpkgs.legacyPackages.x86_64-linux; in
    { devShells.x86_64-linux.default = import ./nix/shell.nix { inherit pkgs; }; };
}
";
    let shell = "{ pkgs }: pkgs.mkShell { packages = [ ]; }\n";
    let old = "{ pkgs }:\n# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`\n# <<< sccfg <<<\npkgs.hello\n";
    let sandbox = Sandbox::new()
        .file("repo/.git/HEAD", "ref: refs/heads/main\n")
        .file(ignored, "/flake.nix\n/nix/\n/old/\n")
        .file("repo/flake.nix", flake)
        .file("repo/nix/shell.nix", shell)
        .file("repo/old/shell.nix", old);
    let before = tree(&sandbox, "repo");
    init(&sandbox, "repo");
    assert_ne!(sandbox.read("repo/nix/shell.nix"), shell);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(tree(&sandbox, "repo"), before);

    // The same of an input, which is in flake.nix itself.
    let url = ["--input", "github:owner/sccfg"];
    let args = ["-C", "repo", "init", "--no-user-config", url[0], url[1]];
    sandbox.sccfg(&args).status(0);
    assert_ne!(sandbox.read("repo/flake.nix"), flake);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(tree(&sandbox, "repo"), before);
}

#[test]
fn a_file_of_the_flake_in_a_directory_below_is_restored() {
    let flake = FLAKE.replace(
        "pkgs.mkShell { packages = [ ]; }",
        "import ./nix { inherit pkgs; }",
    );
    let shell = "{ pkgs }:\npkgs.mkShell { packages = [ ]; }\n";
    let sandbox = Sandbox::new()
        .file("repo/flake.nix", &flake)
        .file("repo/nix/default.nix", shell);
    init(&sandbox, "repo");
    assert_ne!(sandbox.read("repo/nix/default.nix"), shell);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/nix/default.nix"), shell);
}

#[test]
fn workflows_of_a_repository_whose_flake_is_below_are_checked_alone() {
    let sandbox = Sandbox::new()
        .file("repo/.git/HEAD", "ref: refs/heads/main\n")
        .file("repo/.github/workflows/ci.yml", WORKFLOW)
        .file("repo/rs/flake.nix", FLAKE);
    init(&sandbox, "repo/rs");
    sandbox.sccfg(&["-C", "repo/rs", "ci", "github"]).status(0);
    assert!(sandbox.exists("repo/sccfg.toml"));
    for directory in ["repo", "repo/rs"] {
        sandbox
            .sccfg(&["-C", directory, "apply", "--check"])
            .status(0);
    }
}

/// The hook searches upwards from the directory where the shell is entered.
#[test]
fn a_flake_below_the_packages_is_to_be_entered_in_its_directory() {
    let sandbox = Sandbox::new()
        .file("repo/.git/HEAD", "ref: refs/heads/main\n")
        .file("repo/Cargo.toml", "[workspace]\n")
        .file("repo/dev tools/flake.nix", FLAKE)
        .file("repo/inner/Cargo.toml", "[workspace]\n")
        .file("repo/inner/flake.nix", FLAKE);
    let init = |directory: &str, option: &str| {
        let all = ["-C", "repo", "init", directory, "--no-user-config", option];
        sandbox.sccfg(&all).status(0)
    };
    for option in ["--wrapper=portable", "--incremental=auto", "--size=24GiB"] {
        let repository = sandbox.path("repo");
        init("dev tools", option)
            .stderr_has(&format!(
                "a shell that is entered in {} does not use sccfg.toml",
                repository.display()
            ))
            .stderr_has(
                "hint: enter it in the directory of the flake: cd 'dev tools' && nix develop",
            );
        sandbox
            .sccfg(&["-C", "repo", "remove", "dev tools"])
            .status(0);
    }
    // The shell has all that is asked for.
    init("dev tools", "--incremental=off").quiet();
    init("inner", "--size=24GiB").quiet();
}

#[test]
fn a_new_flake_beside_one_in_a_directory_below_is_reported() {
    let sandbox = Sandbox::new()
        .file("repo/Cargo.toml", "[workspace]\n")
        .file("repo/dev/flake.nix", FLAKE)
        // Neither belongs to this repository.
        .file("repo/member/flake.nix", FLAKE)
        .file("repo/member/Cargo.toml", "[package]\n")
        .file("repo/vendored/flake.nix", FLAKE)
        .file("repo/vendored/.git/HEAD", "ref: refs/heads/main\n");
    let ran = sandbox
        .sccfg(&["-C", "repo", "init", "--dry-run", "--no-user-config"])
        .status(0)
        .stderr_has("warning: the new flake does not use dev/flake.nix")
        .stderr_has("hint: to set up that one instead: sccfg init dev");
    assert_eq!(ran.stderr.matches("warning:").count(), 1, "{}", ran.stderr);
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let sandbox = Sandbox::new()
        .file("repo/.git/HEAD", "ref: refs/heads/main\n")
        .file("repo/flake.nix", FLAKE)
        .file("repo/file", "");
    let before = tree(&sandbox, "repo");
    for directory in ["repo/typo", "repo/file"] {
        for command in ["init", "remove", "apply", "doctor", "stats", "env"] {
            let ran = sandbox.sccfg(&["-C", directory, command]).status(1);
            ran.stderr_has(&format!("could not change to the directory {directory}"))
                .stderr_has("hint: ");
        }
    }
    assert_eq!(tree(&sandbox, "repo"), before);
}

/// `ci github` and `docker` write a policy of their own first.
#[test]
fn what_is_removed_of_ci_or_docker_leaves_the_policy_of_the_shell() {
    for (add, remove) in [
        (&["ci", "github"][..], &["ci", "github", "--remove"][..]),
        (&["docker"], &["docker", "--remove"]),
    ] {
        let sandbox = Sandbox::new()
            .file("repo/.git/HEAD", "ref: refs/heads/main\n")
            .file("repo/.github/workflows/ci.yml", WORKFLOW)
            .file(
                "repo/Dockerfile",
                "FROM rust:1\nCOPY . .\nRUN cargo build --release\n",
            )
            .file("repo/flake.nix", FLAKE);
        let run = |arguments: &[&str]| {
            let all = [&["-C", "repo"], arguments].concat();
            sandbox.sccfg(&all).status(0);
        };
        run(add);
        run(&["init", "--no-user-config"]);
        let managed = sandbox.read("repo/flake.nix");
        run(&["apply", "--check"]);
        run(remove);
        assert!(sandbox.exists("repo/sccfg.toml"), "{add:?}");
        run(&["apply", "--check"]);
        assert_eq!(sandbox.read("repo/flake.nix"), managed);
        run(&["remove"]);
        assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
        assert!(!sandbox.exists("repo/sccfg.toml"));
    }
}
