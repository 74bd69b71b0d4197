//! Target directories that were not used for long, and those for incremental compilation.

use std::fs;
use std::time::SystemTime;

use rstest::rstest;

use super::{DAY, Repo, all_below, found, names, set_times};
use crate::lab::Layout;
use crate::wrapper::project::{host, succeeds};

#[rstest]
fn unused_directories_are_recognised_by_their_fingerprints(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    repo.build("repo");
    // Sources are older than what was made of them.
    repo.age("repo", 50 * DAY);
    repo.age("repo/target", 40 * DAY);
    assert_eq!(repo.finds(&["--unused", "41"]), []);
    let unused = [found("unused", "repo/target")];
    assert_eq!(repo.finds(&["--unused", "40"]), unused);
    // Without the option, nobody asks.
    assert_eq!(repo.finds(&[]), []);
    // Neither the time of a directory nor that of the build's lock says anything.
    for path in ["", "debug", "debug/build", "debug/.cargo-lock"] {
        set_times(&repo.path("repo/target").join(path), SystemTime::now());
    }
    assert_eq!(repo.finds(&["--unused", "40"]), unused);
    // A build that finds everything fresh writes nothing, but reads the fingerprints.
    assert!(repo.says("repo").contains("Fresh app"));
    let is_recorded = all_below(&repo.path("repo/target")).iter().any(|path| {
        let accessed = fs::symlink_metadata(path).unwrap().accessed().unwrap();
        path.is_file()
            && path.starts_with(repo.path("repo/target/debug"))
            && accessed.elapsed().unwrap_or_default() < DAY
            && !path.ends_with(".cargo-lock")
    });
    if is_recorded {
        assert_eq!(repo.finds(&["--unused", "40"]), []);
    }
    repo.age("repo/target", 40 * DAY);
    repo.gc(&["--unused", "30", "--yes"])
        .status(0)
        .stdout_has("not used for 40 days");
    assert!(!repo.path("repo/target").exists());
    repo.build("repo");
}

#[test]
fn a_bare_repository_has_linked_worktrees_only() {
    let repo = Repo::new();
    repo.git(&["clone", "-q", "--bare", ".", "../bare"]);
    for place in ["bare/one", "two"] {
        let worktree = repo.path(place);
        let add = ["-C", "../bare", "worktree", "add", "-q", "--detach"];
        repo.git(&[&add[..], &[worktree.to_str().unwrap()]].concat());
        repo.build(place);
        repo.age(&format!("{place}/target"), 40 * DAY);
    }
    let of = |directory: &str| {
        let gc = ["-C", directory, "gc", "--unused", "30", "--dry-run"];
        repo.sandbox.sccfg(&gc).status(0)
    };
    for directory in ["bare", "bare/refs", "bare/one"] {
        of(directory)
            .stdout_has("/bare/one/target")
            .stdout_has("/two/target");
    }
    // git takes this for no worktree.
    fs::create_dir(repo.path("bare/gone")).unwrap();
    fs::write(repo.path("bare/gone/.git"), "gitdir: /missing\n").unwrap();
    let gc = ["-C", "bare/gone", "gc", "--dry-run"];
    repo.sandbox
        .sccfg(&gc)
        .status(1)
        .stderr_has("not in a git repository");
}

#[rstest]
fn incremental_directories_go_where_the_policy_is_off(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    repo.build("repo");
    let incremental = repo.path("repo/target/debug/incremental");
    assert!(!names(&incremental).is_empty());
    assert_eq!(repo.finds(&[]), []);
    repo.sandbox
        .write("repo/sccfg.toml", "[cargo]\nincremental = \"workspace\"\n");
    assert_eq!(repo.finds(&[]), []);
    let expected = [found("incremental", "repo/target/debug/incremental")];
    assert_eq!(repo.finds(&["--incremental"]), expected);
    repo.sandbox
        .write("repo/sccfg.toml", "[cargo]\nincremental = \"off\"\n");
    assert_eq!(repo.finds(&[]), expected);
    assert_eq!(repo.finds(&["--orphans"]), []);
    repo.gc(&["--yes"])
        .status(0)
        .stdout_has("incremental compilation is off");
    assert!(!incremental.exists());
    // For cargo, nothing has changed.
    assert!(repo.says("repo").contains("Fresh app"));
    // A policy that cannot be read is no policy.
    repo.sandbox.write("repo/target/debug/incremental/x", "");
    repo.sandbox.write("repo/sccfg.toml", "incremental = 1\n");
    repo.gc(&["--yes"]).status(1).stderr_has("sccfg.toml:1");
}

/// The policy of one repository says nothing of another one that builds in the same directory.
#[test]
fn incremental_directories_of_others_stay() {
    let repo = Repo::new();
    repo.sandbox
        .write("repo/sccfg.toml", "[cargo]\nincremental = \"off\"\n");
    let path = repo.path("cache").display().to_string();
    repo.build_into("repo", "cache");
    let repo = Repo {
        sandbox: repo.sandbox.variable("CARGO_TARGET_DIR", &path),
        ..repo
    };
    assert_eq!(repo.finds(&[]).len(), 1);
    for file in ["Cargo.toml", "src/main.rs"] {
        let text = repo.sandbox.read(&format!("repo/{file}"));
        let text = text.replace("\"app\"", "\"other\"");
        repo.sandbox.write(&format!("other/{file}"), &text);
    }
    repo.build_into("other", "cache");
    assert_eq!(repo.finds(&[]), []);
    assert_eq!(repo.finds(&["--incremental"]).len(), 1);
}

/// Also in a directory that is in the repository.
#[rstest]
fn incremental_directories_of_others_in_the_repository_stay(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values("app", "other")] name: &str,
    #[values(&["build"], &["test", "--no-run"], &["check"])] command: &[&str],
    #[values(true, false)] depends: bool,
) {
    let repo = Repo::laid_out(layout);
    repo.sandbox
        .write("repo/sccfg.toml", "[cargo]\nincremental = \"off\"\n");
    repo.sandbox.write("repo/src/lib.rs", "pub fn more() {}\n");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"2.0.0\"\nedition = \"2021\"\n{}",
        if depends {
            "[dependencies]\nbelow = { path = \"../repo\", package = \"app\" }\n"
        } else {
            ""
        }
    );
    for (file, text) in [
        ("Cargo.toml", manifest.as_str()),
        ("src/main.rs", "fn main() {}\n"),
        ("src/lib.rs", "pub fn other() {}\n"),
    ] {
        repo.sandbox.write(&format!("other/{file}"), text);
    }
    repo.build("repo");
    let expected = [found("incremental", "repo/target/debug/incremental")];
    assert_eq!(repo.finds(&[]), expected);
    let mut cargo = repo.cargo("other");
    cargo.args(command).env("CARGO_INCREMENTAL", "1");
    succeeds(cargo.env("CARGO_TARGET_DIR", repo.path("repo/target")));
    assert_eq!(repo.finds(&[]), []);
    assert_eq!(repo.finds(&["."]), []);
    assert_eq!(repo.finds(&["--incremental"]), expected);
    // Nobody builds there any more.
    fs::remove_dir_all(repo.path("other")).unwrap();
    assert_eq!(repo.finds(&[]), expected);
}

/// A library outside of the repository does not build in it.
#[rstest]
fn incremental_directories_go_with_libraries_of_others(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
                    [dependencies]\nlow = { path = \"../low\" }\n";
    let low = "[package]\nname = \"low\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    for (file, text) in [
        ("repo/Cargo.toml", manifest),
        ("repo/sccfg.toml", "[cargo]\nincremental = \"off\"\n"),
        ("repo/src/lib.rs", "pub fn more() {}\n"),
        ("low/Cargo.toml", low),
        (
            "low/src/lib.rs",
            "pub fn low() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }\n",
        ),
    ] {
        repo.sandbox.write(file, text);
    }
    for command in [
        &["build"][..],
        &["test", "--no-run"],
        &["check", "--all-targets"],
    ] {
        succeeds(repo.cargo("repo").args(command));
    }
    let expected = [found("incremental", "repo/target/debug/incremental")];
    assert_eq!(repo.finds(&[]), expected);
}

/// `--target`, another profile, and a directory of a tool that runs cargo.
#[test]
fn all_profiles_are_found() {
    let repo = Repo::new();
    repo.build("repo");
    for args in [
        &["build", "-q", "--release"][..],
        &["build", "-q", "--target", &host()],
        &["check", "-q", "--target-dir", "target/rust-analyzer"],
        &["doc", "-q"],
    ] {
        succeeds(repo.cargo("repo").args(args));
    }
    let json = repo.json(&["--unused", "0", "--dry-run"]);
    assert_eq!(
        json["findings"][0]["stays"].as_array().unwrap().len(),
        0,
        "{json}"
    );
    assert_eq!(repo.finds(&["--incremental"]).len(), 1);
    repo.gc(&["--unused", "0", "--yes"]).status(0);
    assert!(!repo.path("repo/target").exists());
}
