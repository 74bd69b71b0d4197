//! What cannot be looked at is not gone, and what has an odd name is what it is.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use rstest::rstest;
use serde_json::json;

use super::{DAY, Repo, found};
use crate::lab::Layout;
use crate::support::Ran;
use crate::wrapper::project::succeeds;

#[test]
fn a_workspace_that_cannot_be_read_is_not_gone() {
    let repo = Repo::new();
    repo.build("repo");
    repo.linked("one");
    repo.build_into("one", "caches/one");
    fs::remove_dir_all(repo.path("one")).unwrap();
    assert_eq!(repo.finds(&["../caches"]), [found("orphan", "caches/one")]);
    // An error other than "not found", as of a share whose server does not answer.
    symlink("one", repo.path("one")).unwrap();
    assert_eq!(repo.finds(&["../caches"]), []);
    assert_eq!(repo.json(&["--dry-run"])["gone_worktrees"], json!([]));
}

#[test]
fn a_worktree_on_a_disk_that_is_not_mounted_is_not_gone() {
    let repo = Repo::new();
    repo.build("repo");
    let one = repo.linked("one").canonicalize().unwrap();
    repo.build_into("one", "repo/caches/one");
    fs::remove_dir_all(&one).unwrap();
    assert_eq!(repo.finds(&[]), [found("orphan", "repo/caches/one")]);
    // As if it had been there.
    for file in [
        "repo/caches/one/debug/app.d",
        "repo/.git/worktrees/one/gitdir",
    ] {
        let text = repo.sandbox.read(file);
        let text = text.replace(one.to_str().unwrap(), "/media/no-such-disk/one");
        repo.sandbox.write(file, &text);
    }
    let json = repo.json(&["--dry-run"]);
    assert_eq!(json["findings"], json!([]));
    // `git worktree prune` would forget what is checked out there.
    assert_eq!(json["gone_worktrees"], json!([]));
}

#[requires(root, unshare)]
#[test]
fn a_mount_is_found_whatever_its_name_is() {
    let repo = Repo::new();
    repo.build("repo");
    repo.sandbox.write("precious/file", "mine");
    let deps = repo.path("repo/target/debug/deps");
    let not_utf8 = OsStr::from_bytes(b"odd-\xff");
    for (in_target, elsewhere) in [
        (OsStr::new("a\tb"), OsStr::new("plain")),
        (OsStr::new("a\\b"), OsStr::new("plain")),
        (not_utf8, OsStr::new("plain")),
        (OsStr::new("plain"), not_utf8),
    ] {
        let places = [deps.join(in_target), repo.path("").join(elsewhere)];
        for place in &places {
            fs::create_dir_all(place).unwrap();
        }
        let script = "for at in \"$1\" \"$2\"; do mount --bind ../precious \"$at\" || exit; done; \
                      shift 2; exec \"$@\"";
        let mut unshare = repo.sandbox.command("unshare");
        unshare.current_dir(repo.path("repo"));
        unshare.args(["--mount", "sh", "-c", script, "sh"]);
        unshare.args(&places).arg(env!("CARGO_BIN_EXE_sccfg"));
        unshare.args(["gc", "--unused", "0", "--yes"]);
        Ran::new("mounted".to_owned(), &unshare.output().unwrap())
            .status(0)
            .stdout_has("nothing to remove")
            .stderr_has("something is mounted on ");
        assert_eq!(repo.sandbox.read("precious/file"), "mine");
        fs::remove_dir(&places[0]).unwrap();
    }
}

#[test]
fn a_directory_named_package_goes_if_cargo_made_what_is_in_it() {
    let repo = Repo::new();
    repo.sandbox.write("repo/target/package/app.tar", "mine");
    let package = || {
        succeeds(
            repo.cargo("repo")
                .args(["package", "-q", "--allow-dirty"])
                .env("CARGO_TARGET_DIR", repo.path("repo/target")),
        );
        assert!(repo.path("repo/target/package/app-1.0.0.crate").exists());
    };
    package();
    repo.gc(&["--unused", "0", "--yes"])
        .status(0)
        .stderr_has("cargo did not make package");
    assert_eq!(repo.sandbox.read("repo/target/package/app.tar"), "mine");
    fs::remove_file(repo.path("repo/target/package/app.tar")).unwrap();
    package();
    repo.gc(&["--unused", "0", "--yes"]).status(0).quiet();
    assert!(!repo.path("repo/target").exists());
}

/// Of a program that is built for integration tests only, cargo writes no dep-info.
#[rstest]
fn the_program_of_integration_tests_goes(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let repo = Repo::laid_out(layout);
    let test = "#[test]\nfn works() {}\n";
    repo.sandbox.write("repo/tests/it.rs", test);
    succeeds(repo.cargo("repo").args(["test", "-q", "--no-run"]));
    let program = repo.path("repo/target/debug/app");
    assert!(program.exists() && !program.with_extension("d").exists());
    repo.sandbox.write("repo/target/debug/script", "mine");
    repo.gc(&["--unused", "0", "--yes"]).status(0);
    assert!(!program.exists());
    assert_eq!(repo.sandbox.read("repo/target/debug/script"), "mine");
}

/// A home directory may be a repository, and in it a worktree whose repository was moved.
#[test]
fn a_worktree_without_its_repository_is_not_part_of_the_one_around_it() {
    let repo = Repo::new();
    repo.build("repo");
    repo.sandbox.write(
        "repo/.worktrees/one/.git",
        "gitdir: /no/such/repository/.git/worktrees/one\n",
    );
    repo.sandbox
        .sccfg(&["-C", "repo/.worktrees/one", "gc", "--unused", "0", "--yes"])
        .status(1)
        .stderr_has("is not in a git repository");
    assert!(repo.path("repo/target/debug/app").exists());
}

#[test]
fn json_has_replacements_for_paths_that_are_not_utf8() {
    let repo = Repo::new();
    repo.build("repo");
    let odd = OsStr::from_bytes(b"odd-\xff");
    fs::write(repo.path("repo/target").join(odd), "mine").unwrap();
    let json = repo.json(&["--unused", "0", "--yes"]);
    let finding = &json["findings"][0];
    assert_eq!(finding["state"], "removed", "{json:#}");
    let stays = finding["stays"][0].as_str().unwrap();
    assert!(stays.ends_with("/target/odd-\u{fffd}"), "{stays}");
    assert!(repo.path("repo/target").join(odd).exists());
}

/// The state directory may be one in which others write as well.
#[test]
fn old_state_goes_and_the_files_of_others_stay() {
    let mut repo = Repo::new();
    let state = repo.path("state").display().to_string();
    repo.sandbox = repo.sandbox.variable("SCCFG_WRAPPER_DIR", &state);
    for file in [
        "sources/ab/abcd",
        "sources/ab/.tmpXYZ",
        "go-build/ab/abcd-d",
        "photos/2024/one",
        "photos/24/one",
    ] {
        repo.sandbox.write(&format!("state/{file}"), "");
    }
    repo.age("state", 40 * DAY);
    repo.gc(&["--store", "--yes"])
        .status(0)
        .stdout_has("2 outdated files");
    assert!(repo.sandbox.exists("state/go-build/ab/abcd-d"));
    assert!(repo.sandbox.exists("state/photos/2024/one"));
    assert!(repo.sandbox.exists("state/photos/24/one"));
    assert!(!repo.sandbox.exists("state/sources/ab/abcd"));
    assert!(!repo.sandbox.exists("state/sources/ab/.tmpXYZ"));
}

/// A question without the list of what is removed cannot be answered.
#[requires(script)]
#[test]
fn with_json_nothing_is_asked() {
    let repo = Repo::new();
    repo.build("repo");
    let sccfg = env!("CARGO_BIN_EXE_sccfg");
    let gc = format!("{sccfg} -C repo gc --unused 0 --json");
    let mut running = repo.sandbox.terminal(&gc).spawn().unwrap();
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(b"y\n").unwrap();
    let output = running.wait_with_output().unwrap();
    Ran::new("sccfg gc --json on a terminal".to_owned(), &output)
        .status(1)
        .stdout_has("pass --yes, or --dry-run");
    assert!(repo.path("repo/target/debug/app").exists());
}
