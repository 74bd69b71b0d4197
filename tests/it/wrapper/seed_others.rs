//! A new worktree is filled from several others: what one of them cannot give comes from another one, if it belongs
//! together.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::thread;
use std::time::Duration;

use rstest::rstest;

use super::build_scripts::{contains, out_dir, with_c_of};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Layout, Project, succeeds};
use super::seed::{ALL, project, sccfg, seed};
use crate::support::Ran;

/// Says where the units of `linked` must come from.
#[track_caller]
fn is_seeded_from(linked: &Checkout<'_>, from: &[&Checkout<'_>]) {
    let from: Vec<_> = from.iter().map(|from| from.text()).collect();
    let line = format!(" units from {}\n", from.join(" and "));
    seed(linked).stdout_has(&line);
}

/// A worktree in which something has changed is often the one that was built last.
#[rstest]
#[case::source("crates/low/src/lib.rs", "on purpose", "because of a change")]
#[case::read_by_a_script("crates/low/input.txt", "of main", "of the next")]
#[case::mistake("crates/low/src/lib.rs", "pub fn fails()", "mistake")]
#[case::macros("crates/mac/src/lib.rs", "\"7\"", "\"8\"")]
#[requires(sccache)]
fn what_has_changed_in_one_comes_from_another(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[case] file: &str,
    #[case] from: &str,
    #[case] to: &str,
) {
    let project = project().with_layout(layout).committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let next = project.linked("next");
    seed(&next);
    next.edit(file, from, to);
    next.cargo(&ALL);
    let linked = project.linked("a/b/linked");
    is_seeded_from(&linked, &[&next, &main]);
    linked.uncached(&ALL).ok().nothing_to_do();
    linked.cargo(&ALL).ok().nothing_to_do();
    assert_eq!(
        linked.says("app"),
        "crates/low/src/lib.rs data of main input of main 7\n5\n"
    );
    for other in [&main, &next] {
        assert!(!contains(&linked.path("target/debug/app"), other.text()));
    }
    // It gives the same to others.
    let another = project.linked("another");
    is_seeded_from(&another, &[&linked]);
    another.cargo(&ALL).ok().nothing_to_do();
}

#[requires(sccache)]
#[test]
fn three_worktrees_have_different_units() {
    let project = project().committed();
    let main = project.main();
    main.edit("crates/mac/src/lib.rs", "\"7\"", "\"9\"");
    main.cargo(&["build"]).ok();
    let low = project.linked("low");
    low.edit("crates/low/src/lib.rs", "on purpose", "because of a change");
    low.cargo(&["build"]).ok();
    let broken = project.linked("broken");
    broken.edit("crates/low/src/lib.rs", "pub fn fails()", "mistake");
    broken.edit("crates/mac/src/lib.rs", "pub fn seven", "mistake");
    broken.cargo(&["build", "--keep-going"]).fails();
    let linked = project.linked("linked");
    is_seeded_from(&linked, &[&broken, &low, &main]);
    // Nobody has compiled it with both.
    linked.uncached(&["build"]).ok().compiled(&["app bin"]);
    assert_eq!(
        linked.says("app"),
        "crates/low/src/lib.rs data of main input of main 7\n5\n"
    );
}

/// The program is the same everywhere, and was compiled with another macro.
#[requires(sccache)]
#[test]
fn units_that_do_not_belong_together_are_not_mixed() {
    let project = project().committed();
    let main = project.main();
    main.edit("crates/mac/src/lib.rs", "\"7\"", "\"9\"");
    main.cargo(&["build"]).ok();
    let next = project.linked("next");
    next.edit("crates/app/src/main.rs", "5", "6");
    next.cargo(&["build"]).ok();
    let linked = project.linked("linked");
    is_seeded_from(&linked, &[&next]);
    linked.uncached(&["build"]).ok().compiled(&["app bin"]);
    assert_eq!(
        linked.says("app"),
        "crates/low/src/lib.rs data of main input of main 7\n5\n"
    );
}

const MAKES: &str = r#"fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/made.rs"), "\"made\"").unwrap();
}
"#;

/// One worktree gives the run of a build script, another one has a library that was compiled with what its own run
/// has left there.
#[requires(sccache)]
#[test]
fn a_run_with_other_results_is_another_run() {
    let low = r#"pub fn made() -> String {
        format!("{} {}", base::base(), include!(concat!(env!("OUT_DIR"), "/made.rs")))
    }"#;
    let project = Project::new()
        .with_store()
        .package("base", "", &[("src/lib.rs", "pub fn base() -> u8 { 1 }\n")])
        .package(
            "low",
            "[dependencies]\nbase = { path = \"../base\" }\n",
            &[("src/lib.rs", low), ("build.rs", MAKES)],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", low::made()); }\n",
            )],
        )
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    fs::write(out_dir(&main).join("made.rs"), "\"edited by hand\"").unwrap();
    main.cargo(&["build"])
        .ok()
        .compiled(&["app bin", "low lib"]);
    let next = project.linked("next");
    next.edit("crates/base/src/lib.rs", "1", "2");
    next.cargo(&["build"]).ok();
    let linked = project.linked("linked");
    is_seeded_from(&linked, &[&next, &main]);
    // It has what is below.
    linked
        .uncached(&["build"])
        .ok()
        .compiled(&["app bin", "low lib"]);
    assert_eq!(linked.says("app"), "1 made\n");
}

#[requires(sccache)]
#[test]
fn nothing_is_taken_from_a_worktree_that_builds() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let next = project.linked("next");
    seed(&next);
    next.edit("crates/low/src/lib.rs", "on purpose", "because of a change");
    next.cargo(&["build"]).ok();
    // As cargo locks it.
    let lock = fs::File::open(main.path("target/debug/.cargo-lock")).unwrap();
    lock.lock().unwrap();
    let linked = project.linked("linked");
    is_seeded_from(&linked, &[&next]);
    drop(lock);
    linked
        .cargo(&["build"])
        .ok()
        .compiled_at_most(&["app bin", "low lib"]);
}

/// What was left out, and why, is that of the first worktree.
#[requires(sccache)]
#[test]
fn all_worktrees_are_named() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let next = project.linked("next");
    seed(&next);
    next.edit("crates/low/src/lib.rs", "on purpose", "because of a change");
    next.cargo(&["build"]).ok();
    main.edit("crates/app/src/main.rs", "5", "6");
    let linked = project.linked("linked");
    linked.edit("crates/app/src/main.rs", "5", "8");
    let said = sccfg(&linked, &["seed", "--json"]).status(0);
    let said: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(said["from"], next.text());
    assert_eq!(said["others"], serde_json::json!([main.text()]));
    let left_out = said["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 1, "{said:#}");
    assert!(left_out[0]["unit"].as_str().unwrap().starts_with("bin-app"));
}

/// git may keep references in a format of its own (from 2.45 on).
#[rstest]
#[requires(sccache)]
fn the_worktree_at_the_same_commit_comes_first(#[values("files", "reftable")] format: &str) {
    let mut project = project();
    let sandbox = project.sandbox;
    project.sandbox = sandbox.variable("GIT_DEFAULT_REF_FORMAT", format);
    let project = project.committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    for name in ["one", "two", "three"] {
        let other = project.linked(name);
        other.edit("crates/low/src/lib.rs", "on purpose", name);
        other.edit("crates/app/src/main.rs", "5", "6");
        project.commit(&other.directory);
        other.cargo(&["build"]).ok();
    }
    let linked = project.linked("linked");
    is_seeded_from(&linked, &[&main]);
    linked.cargo(&["build"]).ok().nothing_to_do();
}

/// A build that makes no new unit leaves the directories of units as they are.
#[rstest]
#[requires(sccache)]
fn the_worktree_that_was_built_last_comes_first(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values("build", "check")] command: &str,
) {
    let project = project().with_layout(layout).committed();
    let main = project.main();
    main.cargo(&[command]).ok();
    let other = project.linked("other");
    other.cargo(&[command]).ok();
    main.edit("crates/app/src/main.rs", "5", "6");
    main.cargo(&[command]).ok();
    let linked = project.linked("linked");
    linked.edit("crates/app/src/main.rs", "5", "6");
    // What is edited within the same tick of the clock may have been edited after seeding.
    thread::sleep(Duration::from_millis(30));
    is_seeded_from(&linked, &[&main]);
    linked.cargo(&[command]).ok().nothing_to_do();
}

/// The run that made the library was taken from one worktree, the program from another one.
#[rstest]
#[requires(sccache)]
fn a_native_library_may_come_from_another_worktree(
    #[values("APP_OTHER", "APP_PLACE")] variable: &str,
) {
    let project = with_c_of("openssl-sys");
    let main = project.main().with(variable, "1");
    main.cargo(&["build"]).ok();
    let next = project.linked("next").with(variable, "1");
    seed(&next);
    next.edit("crates/app/src/main.rs", "fn main", "// changed\nfn main");
    next.cargo(&["build"]).ok().compiled(&["app bin"]);
    let linked = project.linked("as/deep/as/can/be").with(variable, "1");
    is_seeded_from(&linked, &[&next, &main]);
    linked.cargo(&["build"]).ok().nothing_to_do();
    for other in [&main, &next] {
        assert!(!contains(&linked.path("target/debug/app"), other.text()));
    }
    let said = says_the_same_uncached(&linked);
    assert_eq!(said.starts_with(linked.text()), variable == "APP_PLACE");
}

#[requires(sccache)]
#[test]
fn from_a_directory_means_from_this_alone() {
    let project = Project::new()
        .with_store()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let next = project.linked("next");
    next.edit("crates/app/src/main.rs", "{}", "{ println!(); }");
    next.cargo(&["build"]).ok();
    let linked = project.linked("linked");
    let said = sccfg(&linked, &["seed", "--from", next.text()]).status(0);
    said.stderr_has("is not the same");
    is_seeded_from(&linked, &[&main]);
}

#[requires(sccache)]
#[test]
fn what_cannot_be_seeded_is_named() {
    let project = Project::new().package("app", "", &[("src/main.rs", "fn main() {}\n")]);
    let project = project.committed();
    let next = project.linked("next");
    let linked = project.linked("linked");
    let from = |from: &str| sccfg(&linked, &["seed", "--from", from]);
    from("../next/Cargo.toml")
        .status(1)
        .stderr_has("error: ")
        .stderr_has("next/Cargo.toml is not a directory");
    let said = from("../next").status(0);
    said.stderr_has(&format!("note: {} has no target directory", next.text()));
    from(".").stderr_has("a checkout cannot be seeded from itself");
    for is_link in [false, true] {
        let target = linked.path("target");
        let why = if is_link {
            std::os::unix::fs::symlink("nowhere", &target).unwrap();
            "target is a link to nowhere, which does not exist"
        } else {
            fs::write(&target, "mine").unwrap();
            "target is not a directory"
        };
        let said = sccfg(&linked, &["seed"]).status(1);
        said.stderr_has(why).stderr_has("remove ");
        fs::remove_file(target).unwrap();
    }
    // A path that is no text is one of a worktree as well.
    let odd = project
        .sandbox
        .path("")
        .join(OsStr::from_bytes(b"odd-\xff"));
    let mut git = project.main().command("git");
    succeeds(git.args(["worktree", "add", "-q", "--detach"]).arg(&odd));
    let mut seed = project.main().command(env!("CARGO_BIN_EXE_sccfg"));
    let output = seed.arg("seed").current_dir(&odd).output().unwrap();
    let ran = Ran::new("sccfg seed".to_owned(), &output);
    assert!(!ran.stderr.contains("not in a git repository"), "{ran:?}");
}
