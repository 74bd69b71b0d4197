//! Target directories of workspaces that no longer exist.

use std::fs;

use rstest::rstest;
use serde_json::Value;

use super::{Repo, found, names, occupied};
use crate::lab::Layout;
use crate::support::Ran;
use crate::wrapper::project::succeeds;

#[rstest]
fn the_target_directory_of_a_worktree_that_is_gone_is_removed(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    for (place, target) in [
        ("repo", "cache/repo"),
        ("one", "cache/one"),
        ("two", "cache/two"),
    ] {
        if place != "repo" {
            repo.linked(place);
        }
        repo.build_into(place, target);
    }
    repo.git(&["worktree", "remove", "--force", "../one"]);
    let target = repo.path("cache/repo");
    let in_shell = |args: &[&str]| {
        let mut sccfg = repo.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        sccfg.args(["-C", "repo", "gc"]).args(args);
        let output = sccfg.env("CARGO_TARGET_DIR", &target).output().unwrap();
        Ran::new(format!("sccfg gc {args:?}"), &output)
    };
    let one = repo.path("cache/one");
    let size = occupied(&one);
    in_shell(&["--dry-run"])
        .status(0)
        .stdout_has(&format!("{}  ", one.display()))
        .stdout_has("one is gone");
    in_shell(&[])
        .status(1)
        .stderr_has("not a terminal")
        .stderr_has("hint: pass --yes");
    assert_eq!(occupied(&one), size);
    let ran = in_shell(&["--yes", "--json"]).status(0);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["findings"][0]["state"], "removed");
    let freed = json["freed"].as_u64().unwrap();
    // All but the directory itself, and cargo's marks in it.
    assert!((size - 16384..=size).contains(&freed), "{freed} of {size}");
    assert_eq!(names(&repo.path("cache")), ["repo", "two"]);
    in_shell(&["--yes"])
        .status(0)
        .stdout_has("nothing to remove");
    // Also if nothing was built in this worktree.
    repo.git(&["worktree", "remove", "--force", "../two"]);
    fs::remove_dir_all(&target).unwrap();
    in_shell(&["--yes"]).status(0).stdout_has("two is gone");
    assert_eq!(names(&repo.path("cache")), [""; 0]);
}

/// Wherever `sccfg gc DIR` starts to search.
#[test]
fn directories_are_searched() {
    let repo = Repo::new();
    repo.linked("a/b/one");
    repo.build_into("a/b/one", "caches/deep/one");
    repo.build("repo");
    fs::remove_dir_all(repo.path("a")).unwrap();
    assert_eq!(repo.finds(&[]), []);
    let caches = repo.path("caches");
    let caches = caches.to_str().unwrap();
    let expected = [found("orphan", "caches/deep/one")];
    assert_eq!(repo.finds(&[caches]), expected);
    assert_eq!(repo.finds(&[&format!("{caches}/deep/one")]), expected);
    repo.gc(&["/no/such/directory"])
        .status(1)
        .stderr_has("could not open /no/such/directory");
    let outside = repo.sandbox.sccfg(&["gc"]);
    outside
        .status(1)
        .stderr_has("is not in a git repository")
        .stderr_has("hint: pass directories");
}

/// `cargo check` and `cargo test` link no program into the directory of the profile, so nothing there names the workspace.
#[rstest]
fn what_another_workspace_has_checked_in_the_same_directory_stays(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values("check", "test")] command: &str,
) {
    let repo = Repo::laid_out(layout);
    repo.linked("one");
    repo.build_into("one", "caches/shared");
    for file in ["Cargo.toml", "src/main.rs"] {
        let text = repo.sandbox.read(&format!("repo/{file}"));
        let text = text.replace("\"app\"", "\"other\"");
        repo.sandbox.write(&format!("other/{file}"), &text);
    }
    let shared = repo.path("caches/shared");
    let mut cargo = repo.cargo("other");
    succeeds(cargo.args([command, "-q"]).env("CARGO_TARGET_DIR", shared));
    fs::remove_dir_all(repo.path("one")).unwrap();
    assert_eq!(repo.finds(&["../caches"]), []);
}

/// Tests, benches and members without an artifact belong to the workspace.
#[rstest]
fn all_units_of_a_workspace_that_is_gone_are_known(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
                    [workspace]\nmembers = [\"crates/low-level\"]\n\
                    [dependencies]\nlow-level = { path = \"crates/low-level\" }\n";
    let low = "[package]\nname = \"low-level\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    for (file, text) in [
        ("Cargo.toml", manifest),
        ("build.rs", "fn main() {}\n"),
        ("src/lib.rs", "#[test]\nfn works() {}\n"),
        ("src/bin/my-tool.rs", "fn main() {}\n"),
        ("tests/it/main.rs", "mod more;\n"),
        ("tests/it/more.rs", "#[test]\nfn works() {}\n"),
        ("examples/shows.rs", "fn main() {}\n"),
        ("benches/fast.rs", "fn main() {}\n"),
        ("crates/low-level/Cargo.toml", low),
        ("crates/low-level/src/lib.rs", "#[test]\nfn works() {}\n"),
    ] {
        repo.sandbox.write(&format!("repo/{file}"), text);
    }
    repo.commit();
    repo.build("repo");
    repo.linked("one");
    let target = repo.path("caches/one");
    for args in [
        &["build"][..],
        &["test", "--workspace"],
        &["check", "--all-targets"],
    ] {
        let mut cargo = repo.cargo("one");
        succeeds(cargo.args(args).env("CARGO_TARGET_DIR", &target));
    }
    assert_eq!(repo.finds(&["../caches"]), []);
    fs::remove_dir_all(repo.path("one")).unwrap();
    assert_eq!(repo.finds(&["../caches"]), [found("orphan", "caches/one")]);
}

/// A package that is not at the root of the repository, with a directory for each worktree.
#[test]
fn a_package_below_the_root_of_the_repository_has_directories_elsewhere() {
    let repo = Repo::new();
    repo.git(&["mv", "src", "rust-src"]);
    fs::create_dir(repo.path("repo/rust")).unwrap();
    repo.git(&["mv", "rust-src", "rust/src"]);
    repo.git(&["mv", "Cargo.toml", "rust/Cargo.toml"]);
    repo.commit();
    repo.linked("one");
    repo.build_into("repo/rust", "caches/repo");
    repo.build_into("one/rust", "caches/one");
    let target = repo.path("caches/repo").display().to_string();
    repo.git(&["worktree", "remove", "--force", "../one"]);
    let repo = Repo {
        sandbox: repo.sandbox.variable("CARGO_TARGET_DIR", &target),
        ..repo
    };
    for place in ["repo/rust", "repo/rust/src"] {
        let ran = repo.sandbox.sccfg(&["-C", place, "gc", "--dry-run"]);
        ran.status(0).stdout_has("caches/one");
    }
}

#[rstest]
#[case::below_another_one("repo/.worktrees/one")]
#[case::beside_it("one")]
#[case::with_a_blank("a b/one")]
fn a_worktree_may_have_been_anywhere(#[case] place: &str) {
    let repo = Repo::new();
    repo.build("repo");
    repo.linked(place);
    repo.build_into(place, "caches/one");
    let caches = repo.path("caches");
    let caches = caches.to_str().unwrap();
    assert_eq!(repo.finds(&[caches]), []);
    fs::remove_dir_all(repo.path(place)).unwrap();
    assert_eq!(repo.finds(&[caches]), [found("orphan", "caches/one")]);
}

/// cargo names it from the workspace: `/home/me/one/../target`.
#[rstest]
fn a_directory_that_was_named_with_parents_is_found(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values("../target-of-one", "../caches/deep/../one")] target: &str,
    #[values(true, false)] is_generated: bool,
) {
    let repo = Repo::laid_out(layout);
    repo.build("repo");
    if is_generated {
        let script = "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
                      std::fs::write(out + \"/made.rs\", \"\").unwrap();\n}\n";
        let program = "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\nfn main() {}\n";
        repo.sandbox.write("repo/build.rs", script);
        repo.sandbox.write("repo/src/main.rs", program);
        repo.commit();
    }
    fs::create_dir_all(repo.path("caches/deep")).unwrap();
    let one = repo.linked("one");
    let mut cargo = repo.cargo("one");
    succeeds(cargo.arg("build").env("CARGO_TARGET_DIR", target));
    let target = one.join(target).canonicalize().unwrap();
    let target = target.strip_prefix(repo.path("").canonicalize().unwrap());
    let target = target.unwrap().to_str().unwrap();
    assert_eq!(repo.finds(&[".."]), []);
    repo.git(&["worktree", "remove", "--force", "../one"]);
    assert_eq!(repo.finds(&[".."]), [found("orphan", target)]);
}

#[test]
fn what_cargo_check_leaves_of_a_worktree_that_is_gone_is_removed() {
    let repo = Repo::new();
    repo.build("repo");
    repo.linked("one");
    succeeds(repo.cargo("one").args(["check", "-q"]));
    repo.remove_all_but_target("one");
    assert_eq!(repo.finds(&[]), [found("orphan", "one/target")]);
    repo.gc(&["--dry-run"])
        .status(0)
        .stderr_has("git still lists worktrees that are gone")
        .stderr_has("git worktree prune");
    repo.gc(&["--yes"]).status(0);
    // The directory of the worktree itself is not sccfg's.
    assert_eq!(names(&repo.path("one")), [""; 0]);
}

#[test]
fn a_worktree_with_a_line_break_in_its_path_is_not_gone() {
    let repo = Repo::new();
    repo.build("repo");
    repo.git(&["worktree", "add", "-q", "--detach", "../two\nlines"]);
    succeeds(repo.cargo("two\nlines").args(["build", "-q"]));
    let ran = repo.gc(&["--dry-run"]).status(0);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}

/// One with documentation only, for example.
#[rstest]
#[case::in_the_worktree("repo")]
#[case::elsewhere("caches")]
fn a_workspace_on_another_branch_is_not_gone(#[case] above: &str) {
    let repo = Repo::new();
    let above = repo.path(above).display().to_string();
    repo.build_into("repo", &format!("{above}/target"));
    repo.git(&["switch", "-q", "--orphan", "pages"]);
    assert!(!repo.sandbox.exists("repo/Cargo.toml"));
    assert_eq!(repo.finds(&[&above]), []);
    // A repository that never had it says nothing.
    fs::remove_dir_all(repo.path("repo/.git")).unwrap();
    repo.git(&["init", "-q"]);
    let gone: Vec<String> = repo
        .finds(&[&above])
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(gone, ["orphan"]);
}

/// Who says that it may come back, or has it still, keeps it.
#[test]
fn the_target_directory_of_a_worktree_that_is_not_gone_for_good_stays() {
    let repo = Repo::new();
    for place in ["locked", "moved", "restructured"] {
        repo.linked(place);
        repo.build_into(place, &format!("caches/{place}"));
    }
    repo.git(&["worktree", "lock", "../locked"]);
    fs::rename(repo.path("locked"), repo.path("elsewhere")).unwrap();
    // Somebody keeps a copy.
    fs::remove_dir_all(repo.path("moved")).unwrap();
    fs::rename(repo.path("caches/moved"), repo.path("caches/kept")).unwrap();
    fs::rename(
        repo.path("restructured/src/main.rs"),
        repo.path("restructured/program.rs"),
    )
    .unwrap();
    fs::remove_dir(repo.path("restructured/src")).unwrap();
    let caches = repo.path("caches");
    // The repository around a directory says what is locked.
    fs::rename(&caches, repo.path("repo/caches")).unwrap();
    assert_eq!(repo.finds(&["."]), []);
}

/// git does not know where it is, but `git worktree prune` would take its state away.
#[test]
fn a_worktree_that_was_moved_is_not_gone() {
    let repo = Repo::new();
    repo.linked("one");
    fs::rename(repo.path("one"), repo.path("moved")).unwrap();
    let ran = repo.sandbox.sccfg(&["-C", "moved", "gc", "--dry-run"]);
    assert_eq!(ran.status(0).stderr, "");
    let json = repo.json(&["--dry-run"]);
    assert_eq!(json["gone_worktrees"].as_array().unwrap().len(), 1);
}

/// With `build.build-dir`, what is built is elsewhere, under a name that nobody can read.
#[test]
fn a_separate_build_directory_is_found() {
    let repo = Repo::new();
    repo.sandbox.write(
        "repo/.cargo/config.toml",
        &format!(
            "[build]\nbuild-dir = \"{}/{{workspace-path-hash}}\"\n",
            repo.path("built").display()
        ),
    );
    repo.sandbox.write(
        "repo/src/main.rs",
        "fn main() { println!(env!(\"CARGO_MANIFEST_DIR\")); }\n",
    );
    repo.commit();
    repo.linked("one");
    repo.build("repo");
    repo.build("one");
    assert_eq!(repo.finds(&[]), []);
    assert_eq!(repo.finds(&["--unused", "0"]).len(), 4);
    // Directories next to it that others built are theirs, unless these others no longer exist.
    let other = repo.path("built/ab/cdef0123456789");
    repo.build_into("one", "built/ab/cdef0123456789");
    assert_eq!(repo.finds(&["--unused", "0", "--incremental"]).len(), 4);
    fs::remove_dir_all(other).unwrap();
    repo.git(&["worktree", "remove", "--force", "../one"]);
    let orphans = repo.finds(&[]);
    assert_eq!(orphans.len(), 1, "{orphans:?}");
    assert!(orphans[0].1.starts_with("built/"), "{orphans:?}");
    repo.gc(&["--yes"]).status(0);
    assert_eq!(repo.finds(&[]), []);
    assert!(repo.says("repo").contains("Fresh app"));
}
