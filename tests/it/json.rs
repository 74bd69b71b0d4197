//! `--json`: the same form in all commands, and nothing else on standard output.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Ran, Sandbox};

const FLAKE: &str = "{
  outputs = { nixpkgs, ... }: {
    devShells.x86_64-linux.default = nixpkgs.legacyPackages.x86_64-linux.mkShell { };
  };
}
";

const COMMANDS: [&str; 16] = [
    "init --dry-run repo",
    "home --dry-run repo/home",
    "config set cache.disk.size 24GiB",
    "config show",
    "config path",
    "config check",
    "config get cache.disk",
    "remote list",
    "doctor",
    "audit repo",
    "gc --dry-run repo",
    "wrapper status",
    "store status",
    "store verify",
    "store clear --yes",
    "config unset cache.disk",
];

fn sandbox() -> Sandbox {
    let home = "{ home-manager, nixpkgs, ... }: { homeConfigurations.me = home-manager.lib.homeManagerConfiguration { \
                pkgs = nixpkgs.legacyPackages.x86_64-linux; modules = [ ./home.nix ]; }; }";
    Sandbox::new()
        .file("repo/flake.nix", FLAKE)
        .file("repo/home/flake.nix", &format!("{{ outputs = {home}; }}"))
        .file("repo/home/home.nix", "{ home.stateVersion = \"24.05\"; }\n")
}

fn value(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn a_pipe_gets_one_line() {
    let sandbox = sandbox();
    for command in COMMANDS {
        let args: Vec<&str> = command.split(' ').chain(["--json"]).collect();
        let ran = sandbox.sccfg(&args);
        value(&ran);
        assert_eq!(ran.stdout.lines().count(), 1, "{command}: {}", ran.stdout);
    }
}

#[requires(script)]
#[test]
fn a_terminal_gets_indented_lines() {
    let sandbox = sandbox();
    let sccfg = env!("CARGO_BIN_EXE_sccfg");
    for command in COMMANDS {
        let line = format!("{sccfg} --color never {command} --json 2>/dev/null");
        let output = sandbox.terminal(&line).output().unwrap();
        let ran = Ran::new(line, &output);
        value(&ran);
        assert!(
            ran.stdout.starts_with("{\r\n  \""),
            "{command}: {}",
            ran.stdout
        );
    }
}

#[test]
fn config_says_what_it_changed() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("home/.config/sccache/config");
    let settings = sandbox.path("home/.config/sccfg/config.toml");
    let changed = |args: &[&str]| {
        let args = [&["config"], args, &["--json"]].concat();
        let value = value(&sandbox.sccfg(&args).status(0));
        assert_eq!(value["path"], json!(file), "{value}");
        assert_eq!(value["store"]["path"], json!(settings), "{value}");
        (value["changed"].clone(), value["store"]["changed"].clone())
    };
    let (yes, no) = (json!(true), json!(false));
    let size = ["set", "cache.disk.size", "24GiB"];
    assert_eq!(changed(&size), (yes.clone(), no.clone()));
    assert_eq!(changed(&size), (no.clone(), no.clone()));
    let both = ["set", "cache.disk.size", "1GiB", "store.size", "1GiB"];
    assert_eq!(changed(&both), (yes.clone(), yes.clone()));
    assert_eq!(changed(&["unset", "store.size"]), (no.clone(), yes.clone()));
    assert_eq!(changed(&["unset", "store.size"]), (no.clone(), no.clone()));
    assert_eq!(changed(&["unset", "cache.disk"]), (yes, no));
}

#[test]
fn config_prints_the_findings_of_check() {
    let sandbox = Sandbox::new().variable("SCCACHE_CACHE_SIZE", "1G");
    let set = ["config", "set", "cache.disk.size", "2GiB", "--json"];
    let set = sandbox.sccfg(&set).status(0);
    assert_eq!(set.stderr, "");
    let check = sandbox.sccfg(&["config", "check", "--json"]);
    assert_ne!(value(&set)["findings"], json!([]), "{set:?}");
    assert_eq!(value(&set)["findings"], value(&check)["findings"]);
}

#[test]
fn a_cleared_store_is_described_as_by_clear() {
    let sandbox = Sandbox::new();
    let ran = sandbox
        .sccfg(&["store", "clear", "--yes", "--json"])
        .status(0);
    let store = sandbox.path("home/.cache/sccfg/wrapper/store");
    assert_eq!(value(&ran), json!({ "directory": store, "freed": 0 }));
}

/// A repository with a package, and one without.
fn repositories() -> Sandbox {
    let sandbox = Sandbox::new()
        .file(
            "package/Cargo.toml",
            "[package]\nname = \"app\"\nedition = \"2021\"\n",
        )
        .file("package/src/main.rs", "fn main() {}\n")
        .file("notes/README.md", "nothing to build\n");
    for repository in ["package", "notes"] {
        let git = |args: &[&str]| {
            let mut git: Command = sandbox.command("git");
            git.current_dir(sandbox.path(repository)).args(args);
            let output = git.output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        git(&["init", "--quiet"]);
        git(&["add", "."]);
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
        git(&[&identity[..], &["commit", "--quiet", "-m", "a"]].concat());
    }
    sandbox
}

#[test]
fn a_new_worktree_has_the_fields_of_seed() {
    let sandbox = repositories();
    for (repository, why) in [
        ("package", "no other worktree"),
        ("notes", "there is no package"),
    ] {
        let path = format!("../{repository}-fix");
        let add = ["-C", repository, "worktree", "add", "--json", &path];
        let ran = sandbox.sccfg(&add).status(0);
        let value = value(&ran);
        let root = fs::canonicalize(sandbox.path(&format!("{repository}-fix"))).unwrap();
        assert_eq!(value["root"], json!(root));
        assert_eq!(value["units"], 0, "{value}");
        assert!(value["why"].as_str().unwrap().contains(why), "{value}");
        assert_eq!(ran.stderr, "");
    }
    let ran = sandbox.sccfg(&[
        "-C",
        "package",
        "worktree",
        "add",
        "--json",
        "../package-fix",
    ]);
    assert_eq!(ran.status(1).stdout, "");
}
