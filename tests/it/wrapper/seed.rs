//! A new worktree's target directory is filled from another one's: what cargo then finds, builds and runs is what an
//! uncached build there makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

use super::behaviour::all_said;
use super::project::{Checkout, Layout, Project};
use crate::support::Ran;

const ALL: [&str; 3] = ["build", "--workspace", "--all-targets"];

const TEST: [&str; 2] = ["test", "--workspace"];

const LOW: &str = r#"
pub fn place() -> &'static str { file!() }
pub fn fails() { panic!("on purpose") }
pub const DATA: &str = include_str!("../../../data.txt");
include!(concat!(env!("OUT_DIR"), "/made.rs"));
"#;
const LOW_SCRIPT: &str = r#"
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=input.txt");
    println!("cargo::rustc-env=SCRIPT_SAYS=made");
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap());
    let input = std::fs::read_to_string("input.txt").unwrap();
    let code = format!("pub const MADE: &str = {:?};", input.trim());
    std::fs::write(out.join("made.rs"), code).unwrap();
}
"#;
const MAC: &str = r#"
extern crate proc_macro;
#[proc_macro]
pub fn seven(_: proc_macro::TokenStream) -> proc_macro::TokenStream { "7".parse().unwrap() }
"#;
const APP: &str = r#"
fn main() {
    println!("{} {} {} {}", low::place(), low::DATA.trim(), low::MADE, mac::seven!());
    println!("{}", itoa::Buffer::new().format(5));
    if std::env::args().count() > 1 { low::fails(); }
}
#[test]
fn works() { assert_eq!(mac::seven!(), 7); }
"#;
const APP_USES: &str =
    "[dependencies]\nlow = { path = \"../low\" }\nmac = { path = \"../mac\" }\nitoa = \"1\"\n";
const SPEAKS: &str = "pub fn here() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }\n";
const LOUD: &str = "fn main() { println!(\"{}\", speaks::here()); }\n";

/// A library with a build script, a procedural macro, and a program with a test, none of which speaks of its place.
fn project() -> Project {
    Project::new()
        .with_store()
        .file("data.txt", "data of main\n")
        .package(
            "low",
            "",
            &[
                ("src/lib.rs", LOW),
                ("build.rs", LOW_SCRIPT),
                ("input.txt", "input of main\n"),
            ],
        )
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", MAC)])
        .package("app", APP_USES, &[("src/main.rs", APP)])
}

/// The same with a library that speaks of its place, and a program above it.
fn speaking_project() -> Project {
    project()
        .package("speaks", "", &[("src/lib.rs", SPEAKS)])
        .package(
            "loud",
            "[dependencies]\nspeaks = { path = \"../speaks\" }\n",
            &[("src/main.rs", LOUD)],
        )
}

/// `sccfg ARGS` in a checkout.
fn sccfg(checkout: &Checkout<'_>, args: &[&str]) -> Ran {
    let mut command = checkout.command(env!("CARGO_BIN_EXE_sccfg"));
    // As a shell sets it.
    command.args(args).env("PWD", checkout.text());
    let output = command.output().unwrap();
    Ran::new(format!("sccfg {}", args.join(" ")), &output)
}

fn seed(checkout: &Checkout<'_>) -> Ran {
    sccfg(checkout, &["seed"]).status(0)
}

/// The files below a directory with what tells whether they have changed.
fn state_of(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            found.extend(state_of(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, (bytes, metadata.modified().unwrap()));
        }
    }
    found
}

/// How often a file contains a text.
fn occurrences(file: &Path, text: &str) -> usize {
    let bytes = fs::read(file).unwrap();
    bytes
        .windows(text.len())
        .filter(|window| *window == text.as_bytes())
        .count()
}

#[rstest]
#[requires(sccache)]
fn a_seeded_worktree_has_nothing_to_build(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = project().with_layout(layout).committed();
    let main = project.main();
    main.cargo(&ALL).ok().compiled_some();
    main.cargo(&TEST).ok();
    let before = state_of(&main.path("target"));
    for place in ["second", "a/b/c/deeper"] {
        let linked = project.linked(place);
        let target = linked.path("target");
        seed(&linked).stdout_has(&format!("seeded {}: ", target.display()));
        // Also without the wrapper.
        linked.uncached(&ALL).ok().nothing_to_do();
        linked.cargo(&ALL).ok().nothing_to_do();
        linked.cargo(&TEST).ok().nothing_to_do();
        let said = linked.says("app");
        assert_eq!(
            said,
            "crates/low/src/lib.rs data of main input of main 7\n5\n"
        );
        // It has nothing of the other worktree.
        let app = linked.path("target/debug/app");
        assert_eq!(occurrences(&app, main.text()), 0);
        assert!(occurrences(&app, linked.text()) > 0);
    }
    // Neither seeding nor the builds changed anything there.
    assert!(before == state_of(&main.path("target")));
    main.cargo(&ALL).ok().nothing_to_do();
}

/// Every file of a seeded build is the same as where the wrapper delivered it.
#[requires(sccache)]
#[test]
fn files_are_those_that_a_build_delivers() {
    let project = project().committed();
    project.main().cargo(&ALL).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.cargo(&ALL).ok().nothing_to_do();
    let seeded = state_of(&linked.path("target"));
    linked.clean();
    linked.cargo(&ALL).ok().all_hit();
    let built = state_of(&linked.path("target"));
    let counts = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        // Records of the wrapper, with times; of cargo, with times of the compiler's files; and of sources, in any
        // order.
        let is_record = name.starts_with("dep-") || name == ".rustc_info.json";
        !path.components().any(|part| part.as_os_str() == ".sccfg") && !is_record
    };
    let names = |state: &BTreeMap<PathBuf, _>| {
        let names = state.keys().filter(|path| counts(path)).cloned();
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&seeded), names(&built));
    let differs = |path: &&PathBuf| seeded[*path].0 != built[*path].0;
    let different: Vec<_> = seeded
        .keys()
        .filter(|path| counts(path))
        .filter(differs)
        .collect();
    assert!(different.is_empty(), "{different:#?}");
}

/// Without debug information, whose paths are padded, the programs are the same bytes as without a cache.
#[requires(sccache)]
#[test]
fn programs_are_the_same_bytes_as_without_a_cache() {
    let manifest =
        "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n[profile.dev]\ndebug = false\n";
    let project = project().file("Cargo.toml", manifest).committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.uncached(&["build"]).ok().nothing_to_do();
    let app = linked.path("target/debug/app");
    let seeded = fs::read(&app).unwrap();
    linked.clean();
    linked.uncached(&["build"]).ok().compiled_some();
    assert!(seeded == fs::read(&app).unwrap());
}

#[rstest]
#[requires(sccache)]
fn what_speaks_of_its_place_is_built(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = speaking_project().with_layout(layout).committed();
    project.main().cargo(&ALL).ok();
    let linked = project.linked("second");
    sccfg(&linked, &["seed", "-v"])
        .status(0)
        .stderr_has("the output contains the path of the workspace");
    let own = ["loud bin", "loud test", "speaks lib", "speaks test"];
    linked.cargo(&ALL).ok().compiled(&own);
    assert_eq!(
        linked.says("loud"),
        format!("{}\n", linked.path("crates/speaks").display())
    );
}

#[rstest]
#[requires(sccache)]
fn the_programs_of_a_seeded_worktree_say_what_uncached_ones_say(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = Project::matrix_laid_out(layout).with_store();
    project.main().cargo(&ALL).ok();
    for place in ["second", "a/b/c/deeper"] {
        let linked = project.linked(place);
        seed(&linked);
        linked.cargo(&ALL).ok();
        let seeded = all_said(&linked);
        linked.clean();
        linked.uncached(&ALL).ok();
        let uncached = all_said(&linked.without("RUSTC_WRAPPER"));
        assert_eq!(seeded, uncached, "in {place}");
        assert!(seeded.contains(linked.path("crates/speaks").to_str().unwrap()));
    }
}

const POLICY: &str = "[cargo]\nincremental = \"auto\"\nwrapper = \"portable\"\n";

#[requires(sccache)]
#[test]
fn the_shell_of_a_new_worktree_seeds_it_once() {
    let project = project().file("sccfg.toml", POLICY).committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let hook = |checkout: &Checkout<'_>| sccfg(checkout, &["hook", "bash"]).status(0);
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
    let linked = project.linked("second");
    let said = sccfg(&linked, &["hook", "bash"]).status(0);
    assert_eq!(said.stderr, "");
    assert!(!linked.path("target").exists());
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
    // git says what is wrong, with its own status.
    let again = sccfg(&main, &["worktree", "add", new.text()]).status(128);
    again.stderr_has("already exists");
}
