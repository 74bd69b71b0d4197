//! Removals that are interrupted, and the question before them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{DAY, Repo, found, names};
use crate::lab::kill;
use crate::support::{Ran, wait_until};
use crate::wrapper::project::succeeds;

/// Removals of many files, so that there is time to interrupt them.
fn start_removal(repo: &Repo) -> Child {
    repo.build("repo");
    for nth in 0..30_000 {
        fs::write(repo.path(&format!("repo/target/debug/deps/x{nth}.o")), "").unwrap();
    }
    let child = repo
        .sandbox
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .args(["-C", "repo", "gc", "--unused", "0", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let target = repo.path("repo/target");
    wait_until("the first part in the bin", || {
        let entries = fs::read_dir(&target).into_iter().flatten().flatten();
        let mut paths = entries.map(|entry| entry.path());
        let is_bin = |path: &PathBuf| path.to_string_lossy().contains(".sccfg-gc-");
        paths.any(|path| is_bin(&path) && path.join("0").exists()) || !target.exists()
    });
    child
}

#[test]
fn a_removal_that_is_killed_leaves_a_directory_in_which_cargo_builds() {
    let repo = Repo::new();
    let mut removal = start_removal(&repo);
    removal.kill().unwrap();
    removal.wait().unwrap();
    let target = repo.path("repo/target");
    let left = names(&target);
    assert!(
        left.iter().any(|name| name.starts_with(".sccfg-gc-")),
        "{left:?}"
    );
    // Backup programs still leave it out, and git ignores it.
    assert!(left.contains(&"CACHEDIR.TAG".to_owned()), "{left:?}");
    assert!(repo.says("repo").contains("Compiling app"));
    let says = Command::new(target.join("debug/app")).output().unwrap();
    assert_eq!(says.stdout, b"works\n");
    let leftover = repo.finds(&[]);
    assert_eq!(leftover.len(), 1, "{leftover:?}");
    assert_eq!(leftover[0].0, "leftover");
    repo.gc(&["--yes"])
        .status(0)
        .stdout_has("left by an interrupted `sccfg gc`");
    assert!(
        !names(&target)
            .iter()
            .any(|name| name.starts_with(".sccfg-gc-"))
    );
    assert!(repo.says("repo").contains("Fresh app"));
}

#[test]
fn ctrl_c_ends_a_removal() {
    let repo = Repo::new();
    let mut removal = start_removal(&repo);
    succeeds(kill().args(["-INT", &removal.id().to_string()]));
    let status = removal.wait().unwrap();
    let mut said = String::new();
    removal
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    // It may have been done at that moment.
    if repo.path("repo/target").exists() {
        assert_eq!(status.code(), Some(130), "{said}");
        assert!(said.contains("interrupted; run `sccfg gc` again"), "{said}");
        repo.gc(&["--yes"]).status(0);
    }
    repo.build("repo");
    assert_eq!(repo.finds(&[]), []);
}

/// While another process removes it.
#[test]
fn a_leftover_in_use_stays() {
    let repo = Repo::new();
    repo.build("repo");
    repo.sandbox.write("repo/target/.sccfg-gc-abc/0/x", "");
    repo.sandbox.write("repo/target/.sccfg-gc-abc/lock", "");
    let lock = fs::File::open(repo.path("repo/target/.sccfg-gc-abc/lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(repo.finds(&[]), []);
    lock.unlock().unwrap();
    assert_eq!(
        repo.finds(&[]),
        [found("leftover", "repo/target/.sccfg-gc-abc")]
    );
}

#[test]
fn interrupted_seeding_is_cleaned_up() {
    let repo = Repo::new();
    repo.sandbox.write("repo/.git/sccfg-seed/debug/x", "");
    repo.sandbox.write("repo/.git/sccfg-seed.lock", "");
    let lock = fs::File::open(repo.path("repo/.git/sccfg-seed.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(repo.finds(&[]), []);
    lock.unlock().unwrap();
    assert_eq!(repo.finds(&[]), [found("leftover", "repo/.git/sccfg-seed")]);
    repo.gc(&["--yes"]).status(0);
    assert!(!repo.path("repo/.git/sccfg-seed").exists());
}

/// Where git's directory is on another file system, the directory that is filled is next to the build directory.
#[test]
fn interrupted_seeding_beside_the_build_directory_is_cleaned_up() {
    let mut repo = Repo::new();
    let target = repo.path("caches/one").display().to_string();
    repo.sandbox = repo.sandbox.variable("CARGO_TARGET_DIR", &target);
    for beside in ["repo/.sccfg-seed-target", "caches/.sccfg-seed-one"] {
        repo.sandbox.write(&format!("{beside}/debug/x"), "");
        repo.sandbox.write(&format!("{beside}.lock"), "");
    }
    // Killed before anything was copied.
    repo.sandbox.write("caches/.sccfg-seed-two.lock", "");
    // Of somebody else.
    repo.sandbox.write("caches/.sccfg-seeds/x", "");
    let all = [
        found("leftover", "caches/.sccfg-seed-one"),
        found("leftover", "caches/.sccfg-seed-two"),
        found("leftover", "repo/.sccfg-seed-target"),
    ];
    let lock = fs::File::open(repo.path("repo/.sccfg-seed-target.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(repo.finds(&[]), all[..2]);
    lock.unlock().unwrap();
    assert_eq!(repo.finds(&[]), all);
    assert_eq!(repo.finds(&["../caches", "."]), all);
    repo.gc(&["--yes"]).status(0);
    assert_eq!(names(&repo.path("caches")), [".sccfg-seeds"]);
    assert_eq!(
        names(&repo.path("repo")),
        [".git", ".gitignore", "Cargo.toml", "src"]
    );
}

#[requires(script)]
#[test]
fn a_terminal_gets_a_question() {
    for (answer, agreed) in [("n\n", false), ("y\n", true)] {
        let repo = Repo::new();
        repo.build("repo");
        let gc = format!("{} -C repo gc --unused 0", env!("CARGO_BIN_EXE_sccfg"));
        let mut running = repo.sandbox.terminal(&gc).spawn().unwrap();
        let mut stdin = running.stdin.take().unwrap();
        stdin.write_all(answer.as_bytes()).unwrap();
        let output = running.wait_with_output().unwrap();
        let ran = Ran::new("sccfg gc on a terminal".to_owned(), &output);
        let ran = ran.status(0).stdout_has("not used for 0 days");
        ran.stdout_has("? [y/N]");
        assert_eq!(repo.path("repo/target").exists(), !agreed);
    }
}

/// What was listed is looked at again after the answer.
#[requires(script)]
#[test]
fn what_is_used_while_the_question_is_open_stays() {
    let repo = Repo::new();
    repo.build("repo");
    repo.age("repo/target", 40 * DAY);
    let said = says_after_a_question(&repo, || {
        repo.age("repo/src", Duration::ZERO);
        repo.build("repo");
    });
    assert!(said.contains("it was used meanwhile"), "{said}");
    assert!(repo.path("repo/target/debug/app").exists());
}

#[requires(script)]
#[test]
fn what_became_a_checkout_while_the_question_is_open_stays() {
    let repo = Repo::new();
    repo.build("repo");
    repo.age("repo/target", 40 * DAY);
    let said = says_after_a_question(&repo, || repo.sandbox.write("repo/target/Cargo.toml", ""));
    assert!(said.contains("is no target directory any more"), "{said}");
    assert!(!said.contains("cleaned"), "{said}");
    assert!(repo.path("repo/target/debug/app").exists());
}

/// What `sccfg gc --unused 30` says after it has asked, `act` was called, and the answer was yes.
fn says_after_a_question(repo: &Repo, act: impl Fn()) -> String {
    let gc = format!("{} -C repo gc --unused 30", env!("CARGO_BIN_EXE_sccfg"));
    let mut running = repo.sandbox.terminal(&gc).spawn().unwrap();
    let mut stdout = running.stdout.take().unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"[y/N] ") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        said.push(byte[0]);
    }
    act();
    running.stdin.take().unwrap().write_all(b"y\n").unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(running.wait().unwrap().success(), "{rest}");
    rest
}
