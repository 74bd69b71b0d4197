//! When a new worktree is seeded: by its shell, by its first build, and by `sccfg worktree add`.

use std::fs;

use rstest::rstest;

use super::project::{Checkout, Layout, Project};
use super::seed::{ALL, POLICY, TEST, project, sccfg};
use crate::support::Ran;

#[requires(sccache)]
#[test]
fn the_shell_of_a_new_worktree_seeds_it_once() {
    let project = project().file("sccfg.toml", POLICY).committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let hook = |checkout: &Checkout<'_>| {
        sccfg(&checkout.without("SCCFG_SEED"), &["hook", "bash"]).status(0)
    };
    let linked = project.linked("second");
    let said = hook(&linked);
    let line = format!("sccfg: seeded {}: ", linked.path("target").display());
    assert!(said.stderr.starts_with(&line), "{said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(!said.stdout.contains("seeded"), "{said:?}");
    linked.cargo(&ALL).ok().nothing_to_do();
    assert_eq!(hook(&linked).stderr, "");
    // Who cleans wants a build.
    linked.clean();
    assert_eq!(hook(&linked).stderr, "");
    assert!(!linked.path("target").exists());
    // The first worktree is not a new one.
    main.clean();
    assert_eq!(hook(&main).stderr, "");
    assert!(!main.path("target").exists());
}

#[rstest]
#[case::policy(
    "sccfg.toml",
    "[cargo]\nwrapper = \"portable\"\n[portable]\nseed = false\n"
)]
#[case::plain("sccfg.toml", "[cargo]\nwrapper = \"sccache\"\n")]
#[case::not_ignored(".gitignore", "# nothing\n")]
#[requires(sccache)]
fn a_shell_seeds_only_where_it_may(#[case] file: &str, #[case] text: &str) {
    let project = project()
        .file("sccfg.toml", POLICY)
        .file(file, text)
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second").without("SCCFG_SEED");
    let said = sccfg(&linked, &["hook", "bash"]).status(0);
    assert_eq!(said.stderr, "");
    assert!(!linked.path("target").exists());
}

/// Whether git's directory of a linked worktree says that it was seeded.
fn is_marked(project: &Project, name: &str) -> bool {
    let git_dir = project.main().path(".git/worktrees").join(name);
    assert!(git_dir.exists());
    git_dir.join("sccfg-seeded").exists()
}

/// A hook of git that runs `nix develop` has git's variables. That the target directory is ignored is said in a file of this
/// repository.
#[requires(sccache)]
#[test]
fn a_shell_in_a_hook_of_another_repository_seeds_as_well() {
    let project = project()
        .file("sccfg.toml", POLICY)
        .file(".gitignore", "# nothing\n")
        .committed();
    let main = project.main();
    main.write(".git/info/exclude", "/target\n");
    main.cargo(&["build"]).ok();
    let other = project.linked("other").path("repository");
    let other = other.to_str().unwrap();
    let init = ["init", "--quiet", other];
    assert!(main.command("git").args(init).status().unwrap().success());
    let linked = project.linked("second").without("SCCFG_SEED");
    let in_hook = linked.with("GIT_DIR", &format!("{other}/.git"));
    sccfg(&in_hook, &["hook", "bash"])
        .status(0)
        .stderr_has("seeded ");
}

/// A worktree that is made in the shell of another one has no shell of its own.
#[rstest]
#[case(Layout::V1, "/target\n")]
#[case(Layout::V2, "# nothing\n")]
#[requires(sccache)]
fn the_first_build_of_a_new_worktree_seeds_it_once(#[case] layout: Layout, #[case] ignored: &str) {
    let project = project()
        .with_layout(layout)
        .file(".gitignore", ignored)
        .committed();
    let main = project.main().without("SCCFG_SEED");
    main.cargo(&ALL).ok().compiled_some();
    main.cargo(&TEST).ok();
    let second = project.linked("second").without("SCCFG_SEED");
    // Not only cargo asks for the version of the compiler.
    let script = "\"$RUSTC_WRAPPER\" \"$(command -v rustc)\" -vV";
    let script = second.command("sh").args(["-c", script, "build"]).output();
    assert!(script.unwrap().status.success());
    assert!(!second.path("target").exists());
    let first = second.cargo(&ALL).ok().nothing_to_do();
    let line = format!("sccfg: seeded {}: ", second.path("target").display());
    assert_eq!(first.ran.stderr.matches(&line).count(), 1);
    assert!(is_marked(&project, "second"));
    second.cargo(&TEST).ok().nothing_to_do();
    second.uncached(&ALL).ok().nothing_to_do();
    assert_eq!(
        second.says("app"),
        "crates/low/src/lib.rs data of main input of main 7\n5\n"
    );
    // Who cleans wants a build.
    second.clean();
    second.cargo(&ALL).ok().all_hit();
    // What has changed is built.
    let third = project.linked("third").without("SCCFG_SEED");
    third.write("data.txt", "data of the third\n");
    let manifest = third.path("crates/app/Cargo.toml");
    let elsewhere = third.at("..");
    elsewhere
        .cargo(&["build", "--manifest-path", manifest.to_str().unwrap()])
        .ok()
        .compiled(&["app bin", "low lib"]);
    assert_eq!(
        third.says("app"),
        "crates/low/src/lib.rs data of the third input of main 7\n5\n"
    );
    // The first worktree is not a new one.
    main.clean();
    main.cargo(&ALL).ok().all_hit();
}

#[rstest]
#[case::policy(&["build"], "sccfg.toml", "[portable]\nseed = false\n")]
#[case::faulty_policy(&["build"], "sccfg.toml", "[portable")]
#[case::elsewhere(&["build", "--target-dir", "other/target"], "data.txt", "data\n")]
#[case::no_build(&["metadata", "--format-version=1"], "data.txt", "data\n")]
#[requires(sccache)]
fn a_build_seeds_only_where_it_may(#[case] args: &[&str], #[case] file: &str, #[case] text: &str) {
    let project = project().file(file, text).committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second").without("SCCFG_SEED");
    linked.cargo(args).ok();
    assert!(!is_marked(&project, "second"));
}

#[requires(sccache)]
#[test]
fn a_worktree_is_added_built() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let path = project.sandbox.path("a b/new");
    let added = sccfg(
        &main,
        &["worktree", "add", "-b", "new", path.to_str().unwrap()],
    );
    added.status(0).stdout_has("seeded");
    let new = project.checkout(path);
    new.cargo(&ALL).ok().nothing_to_do();
    assert_eq!(
        project.git(&new.directory, &["branch", "--show-current"]),
        "new\n"
    );
    let quiet = project.sandbox.path("quiet");
    let quiet = sccfg(&main, &["worktree", "add", "-q", quiet.to_str().unwrap()]).status(0);
    assert_eq!((&*quiet.stdout, &*quiet.stderr), ("", ""));
    // git says what is wrong; the status is sccfg's.
    let again = sccfg(&main, &["worktree", "add", new.text()]).status(1);
    again.stderr_has("already exists");
}

#[requires(sccache)]
#[test]
fn a_worktree_is_added_built_from_a_directory_that_it_lacks() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    main.write("crates/app/not/committed", "");
    let path = project.sandbox.path("new");
    let below = main.at("crates/app/not");
    let added = sccfg(&below, &["worktree", "add", path.to_str().unwrap()]).status(0);
    added.stdout_has("seeded").stderr_has("Preparing worktree");
    project.checkout(path).cargo(&ALL).ok().nothing_to_do();
}

/// A bare repository has no worktree of its own.
#[requires(sccache)]
#[test]
fn a_worktree_of_a_bare_repository_is_added_built() {
    let project = project().committed();
    let at = |name: &str| project.checkout(project.sandbox.path(name));
    let bare = project.sandbox.path("bare.git");
    let main = project.main();
    project.git(
        &main.directory,
        &["clone", "-q", "--bare", ".", bare.to_str().unwrap()],
    );
    project.git(&bare, &["worktree", "add", "-q", "../first"]);
    at("first").cargo(&["build"]).ok();
    sccfg(&at("bare.git"), &["worktree", "add", "../second"])
        .status(0)
        .stdout_has("seeded");
    at("second").cargo(&["build"]).ok().nothing_to_do();
}

/// git's directory and the worktree may be on different disks, or on different mounts of one.
#[rstest]
#[case::disk("mount -t tmpfs none ..")]
#[case::mount("mount --bind ../../main/.git ../../main/.git")]
#[case::read_only(
    "mount --bind ../../main/.git ../../main/.git && mount -o remount,ro,bind ../../main/.git"
)]
#[requires(sccache, root, unshare)]
fn nothing_is_left_beside_the_build_directory(#[case] mounts: &str) {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("disk/second");
    let script = format!(
        "set -e; cp -a . ../../kept; {mounts}; mkdir -p $PWD; cp -a ../../kept/. $PWD; cd $PWD; \
         {} seed; git status --porcelain; cargo build --offline; ls -A",
        env!("CARGO_BIN_EXE_sccfg")
    );
    let mut unshare = linked.command("unshare");
    let output = unshare
        .args(["--mount", "sh", "-c", &script])
        .output()
        .unwrap();
    let ran = Ran::new(mounts.to_owned(), &output).status(0);
    let mut said = ran.stdout.lines();
    assert!(said.next().unwrap().starts_with("seeded "), "{ran:?}");
    let left: Vec<&str> = said.collect();
    let wanted = [
        ".git",
        ".gitignore",
        "Cargo.lock",
        "Cargo.toml",
        "crates",
        "data.txt",
        "target",
    ];
    assert_eq!(left, wanted, "{ran:?}");
    assert!(!ran.stderr.contains("Compiling"), "{ran:?}");
}

/// A repository may have several workspaces.
#[requires(sccache)]
#[test]
fn each_workspace_of_a_new_worktree_is_seeded_once() {
    let project = Project::new().with_store();
    for place in ["one", "tools/two"] {
        let name = place.rsplit('/').next().unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[workspace]\n"
        );
        project
            .sandbox
            .write(&format!("main/{place}/Cargo.toml"), &manifest);
        project
            .sandbox
            .write(&format!("main/{place}/src/main.rs"), "fn main() {}\n");
    }
    fs::remove_file(project.sandbox.path("main/Cargo.toml")).unwrap();
    project.sandbox.write("main/tools/.gitignore", "target\n");
    project.sandbox.write("main/.gitignore", "target\n");
    let project = project.committed();
    let places = ["one", "tools/two"];
    let main = project.main().without("SCCFG_SEED");
    for place in places {
        main.at(place).cargo(&["build"]).ok();
    }
    let linked = project.linked("second").without("SCCFG_SEED");
    for place in places {
        let built = linked.at(place).cargo(&["build"]).ok().nothing_to_do();
        assert!(built.ran.stderr.contains("sccfg: seeded "), "{built:?}");
    }
    for place in places {
        fs::remove_dir_all(linked.at(place).path("target")).unwrap();
        linked.at(place).cargo(&["build"]).ok().all_hit();
    }
}
