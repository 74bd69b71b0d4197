//! `--fix`: what it changes, and that `sccfg remove` undoes it.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use super::{FLAKE, Projects, USES_SCCACHE, flake_with};

const CARGO: &str = "[build]\nrustc-wrapper = \"sccache\" # ours\n";

/// Two repositories with a policy and something wrong, and others that are left alone.
fn projects() -> Projects {
    let projects = Projects::new();
    projects.managed("outdated", &[]);
    projects.managed("twice", &[]);
    projects.repository("flake", &[("flake.nix", FLAKE)]);
    projects.repository("plain", &[(".cargo/config.toml", CARGO)]);
    let write = |path: &str, text: &str| projects.sandbox.write(&format!("all/{path}"), text);
    write(
        "outdated/sccfg.toml",
        "[cargo]\nincremental = \"workspace\"\n",
    );
    write("twice/.cargo/config.toml", CARGO);
    write("twice/.envrc", "sccache --stop-server\nuse flake\n");
    projects
}

#[test]
fn policies_are_applied_and_nothing_else_is_changed() {
    let projects = projects();
    let before = projects.files();
    let ran = projects.audit(&["--fix", "--yes"]).status(1);
    let ran = ran
        .stdout_has("render the managed regions of flake.nix again")
        .stdout_has("comment out `build.rustc-wrapper` in .cargo/config.toml")
        .stdout_has("made    2 changes in 2 places")
        .stdout_has("undo them in a repository: sccfg -C DIR remove");
    // What `remove` would not undo is left.
    assert!(
        ran.stdout.contains("[S053]") && !ran.stdout.contains("[S051]"),
        "{}",
        ran.stdout
    );
    let after = projects.files();
    let changed: Vec<&String> = after
        .iter()
        .filter(|(name, text)| before.get(*name) != Some(text))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(changed, ["outdated/flake.nix", "twice/.cargo/config.toml"]);
    // Once more is nothing.
    projects
        .audit(&["--fix", "--yes"])
        .status(1)
        .stdout_has("nothing to change");
    assert_eq!(projects.files(), after);
    for name in ["outdated", "twice"] {
        let root = format!("all/{name}");
        projects.sandbox.sccfg(&["-C", &root, "remove"]).status(0);
    }
    assert_eq!(projects.sandbox.read("all/outdated/flake.nix"), FLAKE);
    assert_eq!(projects.sandbox.read("all/twice/.cargo/config.toml"), CARGO);
}

#[test]
fn repositories_with_a_flake_are_set_up_on_request() {
    let projects = Projects::new();
    let shell = flake_with(&format!("{USES_SCCACHE} SCCACHE_CACHE_SIZE = \"24G\";"));
    projects.repository("flake", &[("flake.nix", &shell)]);
    projects.repository("plain", &[]);
    projects.repository("no-shell", &[("flake.nix", "{ outputs = _: { }; }\n")]);
    let before = projects.files();
    projects
        .audit(&["--fix", "--init", "--yes"])
        .status(0)
        .stdout_has("set it up: flake.nix, sccfg.toml")
        // The size that the flake had is requested now.
        .stdout_has("no problems found");
    let config = projects.sandbox.read("home/.config/sccache/config");
    assert!(config.contains("25769803776"), "{config}");
    assert!(projects.sandbox.exists("all/flake/sccfg.toml"));
    projects
        .sandbox
        .sccfg(&["-C", "all/flake", "remove"])
        .status(0);
    assert_eq!(projects.files(), before);
}

#[test]
fn a_change_that_fails_is_named_and_the_others_are_made() {
    let projects = projects();
    projects.managed("third", &[]);
    projects.sandbox.write(
        "all/third/sccfg.toml",
        "[cargo]\nincremental = \"workspace\"\n",
    );
    // A link that leads out of the repository is not followed.
    let flake = projects.sandbox.path("all/third/flake.nix");
    let elsewhere = projects.sandbox.path("elsewhere.nix");
    std::fs::rename(&flake, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &flake).unwrap();
    projects
        .audit(&["--fix", "--yes"])
        .status(1)
        .stderr_has("all/third: could not render the managed regions of flake.nix again")
        .stdout_has("made    2 changes in 2 places");
}

#[test]
fn nothing_is_changed_without_consent() {
    let projects = projects();
    let before = projects.files();
    projects
        .audit(&["--fix", "--dry-run"])
        .status(1)
        .stdout_has("all/twice\n  comment out");
    projects
        .audit(&["--fix"])
        .status(1)
        .stderr_has("not a terminal")
        .stderr_has("hint: pass --yes");
    projects.audit(&["--yes"]).status(2);
    projects.audit(&["--init"]).status(2);
    assert_eq!(projects.files(), before);
}

#[requires(script)]
#[test]
fn in_a_terminal_the_list_is_confirmed_as_a_whole() {
    for (answer, is_changed) in [("n\n", false), ("y\n", true)] {
        let projects = projects();
        let before = projects.files();
        let line = format!("{} -C all audit --fix", env!("CARGO_BIN_EXE_sccfg"));
        let mut running = projects.sandbox.terminal(&line).spawn().unwrap();
        running
            .stdin
            .take()
            .unwrap()
            .write_all(answer.as_bytes())
            .unwrap();
        let output = running.wait_with_output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("make these 2 changes? [y/N]"), "{shown}");
        assert_eq!(projects.files() != before, is_changed, "{shown}");
    }
}

#[test]
fn with_json_nothing_else_is_printed() {
    let projects = projects();
    let before = projects.files();
    let json = projects.json(&["--fix", "--dry-run"]);
    let planned = json["planned"].as_array().unwrap();
    assert_eq!(planned.len(), 2, "{planned:#?}");
    let what = "comment out `build.rustc-wrapper` in .cargo/config.toml";
    assert_eq!(planned[1]["what"], what);
    assert_eq!(json["done"], serde_json::json!([]));
    // Without the list, nobody can answer a question.
    projects
        .audit(&["--fix", "--json"])
        .status(1)
        .stderr_has("hint: pass --yes, or --dry-run");
    assert_eq!(projects.files(), before);
    let json = projects.json(&["--fix", "--yes"]);
    assert_eq!(json["done"].as_array().unwrap().len(), 2, "{json:#}");
    assert_eq!(json["planned"], serde_json::json!([]));
}

#[test]
fn a_path_that_is_not_utf8_is_printed_with_replacements() {
    let projects = projects();
    let odd = std::ffi::OsStr::from_bytes(b"odd-\xff");
    let all = projects.sandbox.path("all");
    std::fs::rename(all.join("twice"), all.join(odd)).unwrap();
    let json = projects.json(&["--fix", "--yes"]);
    let done = json["done"].as_array().unwrap();
    let is_odd = |step: &&serde_json::Value| {
        let root = step["root"].as_str().unwrap();
        root.ends_with("all/odd-\u{fffd}")
    };
    assert_eq!(done.iter().filter(is_odd).count(), 1, "{done:#?}");
}

#[test]
fn a_repository_that_cannot_be_set_up_is_a_failure() {
    let projects = Projects::new();
    projects.repository("flake", &[("flake.nix", FLAKE)]);
    set_read_only(&projects, "all/flake/flake.nix");
    projects
        .audit(&["--fix", "--init", "--yes"])
        .status(1)
        .stderr_has("all/flake: could not set it up")
        .stderr_has("the file is read-only")
        .stderr_has("hint: make it writable");
}

#[test]
fn a_failure_of_the_machine_is_reported_with_its_place() {
    let projects = Projects::new();
    projects.managed("app", &["--size", "24GiB"]);
    let config = "home/.config/sccache/config";
    projects
        .sandbox
        .write(config, "[cache.disk]\nsize = 1000000\n");
    set_read_only(&projects, config);
    projects
        .audit(&["--fix", "--yes"])
        .status(1)
        .stderr_has("warning: this machine: could not set the cache size to 24GiB");
}

fn set_read_only(projects: &Projects, file: &str) {
    let mode = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(projects.sandbox.path(file), mode).unwrap();
}
