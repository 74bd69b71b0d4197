//! A new worktree's target directory is filled from another one's: what cargo then finds, builds and runs is what an
//! uncached build there makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

use super::project::{Checkout, Layout, Project, real_rustc};
use crate::lab::CompileLog;
use crate::support::Ran;

pub(super) const ALL: [&str; 3] = ["build", "--workspace", "--all-targets"];

pub(super) const POLICY: &str = "[cargo]\nincremental = \"auto\"\nwrapper = \"portable\"\n";

pub(super) const TEST: [&str; 2] = ["test", "--workspace"];

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
pub(super) const MAC: &str = r#"
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
const SPEAKS: &str =
    "pub fn here() -> &'static str { std::convert::identity(env!(\"CARGO_MANIFEST_DIR\")) }\n";
const LOUD: &str = "fn main() { println!(\"{}\", speaks::here()); }\n";

/// A library with a build script, a procedural macro, and a program with a test, none of which speaks of its place.
pub(super) fn project() -> Project {
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
pub(super) fn sccfg(checkout: &Checkout<'_>, args: &[&str]) -> Ran {
    let mut command = checkout.command(env!("CARGO_BIN_EXE_sccfg"));
    // As a shell sets it.
    command.args(args).env("PWD", checkout.text());
    let output = command.output().unwrap();
    Ran::new(format!("sccfg {}", args.join(" ")), &output)
}

pub(super) fn seed(checkout: &Checkout<'_>) -> Ran {
    sccfg(checkout, &["seed"]).status(0)
}

/// The files below a directory with what tells whether they have changed.
pub(super) fn state_of(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
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
pub(super) fn occurrences(file: &Path, text: &str) -> usize {
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
fn units_that_contain_their_path_are_built(#[values(Layout::V1, Layout::V2)] layout: Layout) {
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

#[requires(sccache)]
#[test]
fn a_checkout_without_a_build_is_named() {
    let project = project().committed();
    let linked = project.linked("second");
    let said = sccfg(&linked, &["seed", "--from", "../main"]).status(0);
    said.stderr_has("/main has no target directory")
        .stderr_has("hint: build there");
}

#[requires(sccache)]
#[test]
fn a_build_without_the_wrapper_has_a_hint() {
    let project = project().committed();
    project.main().uncached(&["build"]).ok();
    let linked = project.linked("second");
    let said = sccfg(&linked, &["seed"]).status(0);
    said.stderr_has("/main: nothing was compiled through the wrapper")
        .stderr_has("after `cargo clean`");
}

/// rustup, asked for a program, may install the toolchain that a project names.
#[requires(sccache)]
#[test]
fn neither_cargo_nor_rustup_is_run() {
    let project = project().file("sccfg.toml", POLICY).committed();
    project.main().without("RUSTC").cargo(&["build"]).ok();
    let at = |name: &str| project.sandbox.path(name);
    let asked = at("asked");
    let rustup = format!("#!/bin/sh\necho \"$0 $*\" >>{}\nexit 1\n", asked.display());
    project.sandbox.write("proxies/rustup", &rustup);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(at("proxies/rustup"), mode).unwrap();
    for name in ["cargo", "rustc"] {
        std::os::unix::fs::symlink("rustup", at("proxies").join(name)).unwrap();
    }
    let settings = "version = \"12\"\ndefault_toolchain = \"here\"\n";
    project.sandbox.write("rustup/settings.toml", settings);
    fs::create_dir(at("rustup/toolchains")).unwrap();
    let toolchain = real_rustc().ancestors().nth(2).unwrap().to_owned();
    std::os::unix::fs::symlink(toolchain, at("rustup/toolchains/here")).unwrap();
    let path = format!(
        "{}:{}",
        at("proxies").display(),
        std::env::var("PATH").unwrap()
    );
    let shell = |place: &str| {
        let home = at("rustup");
        let linked = project.linked(place).without("RUSTC").with("PATH", &path);
        let linked = linked.without("SCCFG_SEED");
        linked.with("RUSTUP_HOME", home.to_str().unwrap())
    };
    let linked = shell("second");
    sccfg(&linked, &["hook", "bash"])
        .status(0)
        .stderr_has("seeded");
    let other = shell("third");
    other.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.0.0\"\n");
    let said = sccfg(&other, &["hook", "bash"]).status(0);
    assert_eq!(said.stderr, "");
    sccfg(&other, &["seed"])
        .status(0)
        .stderr_has("could not find rustc");
    assert!(!asked.exists(), "{}", fs::read_to_string(&asked).unwrap());
    let plain = project.checkout(linked.directory.clone()).without("RUSTC");
    plain.uncached(&["build"]).ok().nothing_to_do();
}

#[requires(sccache)]
#[test]
fn a_build_of_seeded_units_is_reported_as_fresh() {
    let project = Project::new()
        .with_store()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    sccfg(&linked, &["seed"]).status(0);
    linked.cargo(&["build"]).ok().nothing_to_do();
    let report = sccfg(&linked, &["report"]).status(0);
    report
        .stdout_has("no build is recorded in ")
        .stdout_has("cargo found all units fresh")
        .stdout_has(&format!("1 unit seeded from {}", project.main().text()));
    sccfg(&linked, &["explain", "app"])
        .status(0)
        .stdout_has("shared between all checkouts");
}

/// The first build in a seeded worktree has few units, so the report says where the others are from.
#[requires(sccache)]
#[test]
fn the_report_of_the_first_build_has_the_number_of_seeded_units() {
    let project = Project::new()
        .with_store()
        .package("low", "", &[("src/lib.rs", "pub fn f() -> u8 { 1 }\n")])
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let linked = project.linked("second");
    sccfg(&linked, &["seed"]).status(0);
    let build = |text: &str| {
        linked.write("crates/app/src/main.rs", text);
        linked.cargo(&["build"]).ok().compiled(&["app bin"]);
    };
    build("fn main() { println!() }\n");
    let seeded = format!("2 units seeded from {} before this build", main.text());
    sccfg(&linked, &["report"])
        .status(0)
        .stdout_has("1 unit, 0 from a cache")
        .stdout_has(&seeded);
    build("fn main() { print!(\"\") }\n");
    let last = sccfg(&linked, &["report"]).status(0);
    assert!(!last.stdout.contains("seeded"), "{last:?}");
    sccfg(&linked, &["report", "--build", "2"])
        .status(0)
        .stdout_has(&seeded);
}

/// bash and zsh set the variable `_` to the path of the program that they start, and most sources have that pattern.
#[requires(sccache)]
#[test]
fn the_program_that_a_shell_starts_does_not_count() {
    let uses = "[dependencies]\nanyhow = \"1\"\n";
    let project = Project::new()
        .with_store()
        .package("app", uses, &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let main = project.main().with("_", "/bin/cargo");
    main.cargo(&["build"]).ok();
    let linked = project.linked("second").with("_", "/bin/sccfg");
    let said = sccfg(&linked, &["seed", "-v"]).status(0);
    assert!(!said.stderr.contains("left out"), "{said:?}");
    linked.cargo(&["build"]).ok().nothing_to_do();
    // Nor for the store.
    let third = project.linked("third").with("_", "/bin/make");
    third.cargo(&["build"]).ok().all_hit();
    let report = sccfg(&third, &["report"]).status(0);
    report.stdout_has("4 units, 4 from a cache");
}

fn at<'a>(checkout: Checkout<'a>, variables: &[(&str, &str)], home: &Path) -> Checkout<'a> {
    variables.iter().fold(checkout, |checkout, (name, value)| {
        let value = value.replace('@', checkout.text());
        checkout.with(
            name,
            &value.replace("{cargo-cache-home}", home.to_str().unwrap()),
        )
    })
}

/// Where cargo puts its files: variables, with `@` for the checkout.
#[rstest]
#[case::build_dir(&[("CARGO_BUILD_BUILD_DIR", "@/built")])]
#[case::target_dir(&[("CARGO_TARGET_DIR", "@/elsewhere/out")])]
#[case::both(&[("CARGO_TARGET_DIR", "@/out"), ("CARGO_BUILD_BUILD_DIR", "@/between")])]
#[case::named_after_the_workspace(&[("CARGO_BUILD_BUILD_DIR", "{cargo-cache-home}/x/{workspace-path-hash}")])]
#[requires(sccache)]
fn cargos_directories_may_be_anywhere(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[case] variables: &[(&str, &str)],
) {
    let project = project().with_layout(layout).committed();
    let home = project.sandbox.path("cargo-home");
    let main = at(project.main(), variables, &home);
    main.cargo(&ALL).ok().compiled_some();
    let linked = at(project.linked("a/second"), variables, &home);
    seed(&linked).stdout_has("seeded");
    linked.cargo(&ALL).ok().nothing_to_do();
}

#[rstest]
#[requires(sccache)]
fn all_profiles_and_targets_are_seeded(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = project().with_layout(layout).committed();
    let host = "--target=x86_64-unknown-linux-gnu";
    let builds = [
        &["build"][..],
        &["build", "--release"],
        &["check"],
        &["build", host],
    ];
    let main = project.main();
    for build in builds {
        main.cargo(build).ok();
    }
    let linked = project.linked("second");
    seed(&linked);
    for build in builds {
        linked.cargo(build).ok().nothing_to_do();
    }
    let release = linked.says_of(&linked.path("target/release/app"), &[]);
    assert_eq!(release, linked.says("app"));
}

/// It needs no standard library for that target, which may not be installed.
#[requires(sccache)]
#[test]
fn what_was_compiled_for_another_machine_is_seeded() {
    let lib = "#![feature(no_core)]\n#![no_core]\n";
    let project = Project::new().package("low", "", &[("src/lib.rs", lib)]);
    let project = project.committed();
    let args = ["build", "--target=aarch64-unknown-linux-gnu"];
    let main = project.main().with("RUSTC_BOOTSTRAP", "1");
    main.cargo(&args).ok();
    let linked = project.linked("second").with("RUSTC_BOOTSTRAP", "1");
    seed(&linked);
    linked.cargo(&args).ok().nothing_to_do();
}

#[requires(sccache)]
#[test]
fn only_equal_units_of_another_commit_are_taken() {
    let project = project().committed();
    let main = project.main();
    let linked = project.linked("second");
    // Only the other worktree has the change, and it is newer than everything here.
    main.edit(
        "crates/app/src/main.rs",
        "{} {} {} {}",
        "changed {} {} {} {}",
    );
    main.edit("crates/low/input.txt", "of main", "of another");
    main.cargo(&ALL).ok();
    seed(&linked);
    linked
        .uncached(&ALL)
        .ok()
        .compiled(&["app bin", "app test", "low lib", "low test"]);
    assert_eq!(
        linked.says("app"),
        "crates/low/src/lib.rs data of main input of main 7\n5\n"
    );
}

/// What is edited after seeding is built, however soon.
#[rstest]
#[case::source("crates/app/src/main.rs", "{} {} {} {}", "edited {} {} {} {}")]
#[case::source_of_a_library("crates/low/src/lib.rs", "file!()", "\"edited\"")]
#[case::included("data.txt", "data", "edited")]
#[case::read_by_a_script("crates/low/input.txt", "input", "edited")]
#[requires(sccache)]
fn what_is_edited_is_built(#[case] file: &str, #[case] from: &str, #[case] to: &str) {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    for (place, after) in [("before", false), ("after", true)] {
        let linked = project.linked(place);
        if after {
            seed(&linked);
        }
        // Without waiting for another time.
        let text = linked.read(file);
        assert!(text.contains(from));
        fs::write(linked.path(file), text.replace(from, to)).unwrap();
        if !after {
            seed(&linked);
        }
        linked.cargo(&["build"]).ok();
        let said = linked.says("app");
        assert!(said.contains("edited"), "{place}: {said}");
        linked.cargo(&["build"]).ok().nothing_to_do();
    }
}

#[requires(sccache)]
#[test]
fn with_another_compiler_nothing_is_taken() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let other = project.sandbox.path("other/rustc");
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    let script = format!(
        "#!/bin/sh\n# Another one.\nexec {} \"$@\"\n",
        CompileLog::rustc().display()
    );
    fs::write(&other, script).unwrap();
    fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let linked = project
        .linked("second")
        .with("RUSTC", other.to_str().unwrap());
    seed(&linked).stderr_has("it was compiled with another compiler");
    assert!(!linked.path("target").exists());
}

#[requires(sccache)]
#[test]
fn many_worktrees_are_seeded_from_one_at_once() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let all: Vec<_> = (0..8)
        .map(|nth| project.linked(&format!("w{nth}")))
        .collect();
    let started: Vec<_> = all
        .iter()
        // Two shells of each start at once.
        .flat_map(|linked| [linked, linked])
        .map(|linked| {
            let mut command = linked.command(env!("CARGO_BIN_EXE_sccfg"));
            command.arg("seed").spawn().unwrap()
        })
        .collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    for linked in &all {
        linked.cargo(&ALL).ok().nothing_to_do();
        assert_eq!(linked.says("app"), main.says("app"));
    }
}

#[requires(sccache)]
#[test]
fn an_existing_target_directory_stays() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    fs::create_dir(linked.path("target")).unwrap();
    seed(&linked)
        .stdout_has("unchanged")
        .stdout_has("(it exists; only a new directory is seeded)");
    assert_eq!(fs::read_dir(linked.path("target")).unwrap().count(), 0);
    fs::remove_dir(linked.path("target")).unwrap();
    // Such as one on another disk, which is not there now.
    std::os::unix::fs::symlink("/nonexistent", linked.path("target")).unwrap();
    let said = sccfg(&linked, &["seed"]).status(1);
    said.stderr_has("target is a link to /nonexistent, which does not exist")
        .stderr_has("hint: mount the disk");
    assert!(linked.path("target").is_symlink());
}

#[requires(sccache)]
#[test]
fn while_the_other_worktree_builds_nothing_is_taken() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    // As cargo locks it.
    let lock = fs::File::open(main.path("target/debug/.cargo-lock")).unwrap();
    lock.lock().unwrap();
    let linked = project.linked("second");
    seed(&linked).stderr_has("a build is running in");
    assert!(!linked.path("target").exists());
    drop(lock);
    seed(&linked).stdout_has("seeded");
}

#[requires(sccache)]
#[test]
fn complete_units_of_a_failed_build_are_taken() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.edit(
        "crates/app/src/main.rs",
        "fn main() {",
        "fn main() { mistake",
    );
    main.cargo(&["build"]).fails();
    let linked = project.linked("second");
    seed(&linked).stdout_has("seeded");
    linked.uncached(&["build"]).ok().compiled(&["app bin"]);
    // An output that somebody cut off is no output.
    let names = main.left_in_deps("debug");
    let library = names
        .iter()
        .find(|name| name.starts_with("liblow") && name.contains(".rlib"));
    fs::write(main.path("target/debug/deps").join(library.unwrap()), "").unwrap();
    let linked = project.linked("third");
    let from = sccfg(&linked, &["seed", "--from", main.text()]).status(0);
    from.stdout_has("seeded");
    linked
        .uncached(&["build"])
        .ok()
        .compiled(&["app bin", "low lib"]);
}

#[requires(sccache)]
#[test]
fn an_interrupted_run_leaves_nothing_that_cargo_could_use() {
    let project = project().committed();
    project.main().cargo(&ALL).ok();
    let linked = project.linked("second");
    // However far it comes.
    for wait in [5, 20, 40, 60, 80, 120] {
        let mut command = linked.command(env!("CARGO_BIN_EXE_sccfg"));
        let mut child = command.arg("seed").spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        let _ = child.kill();
        child.wait().unwrap();
        assert_eq!(
            project.git(&linked.directory, &["status", "--porcelain"]),
            ""
        );
        if linked.path("target").exists() {
            linked.cargo(&ALL).ok().nothing_to_do();
            linked.clean();
        }
    }
    seed(&linked).stdout_has("seeded");
    linked.cargo(&ALL).ok().nothing_to_do();
    let git_dir = project.sandbox.path("main/.git/worktrees/second");
    assert!(!git_dir.join("sccfg-seed").exists());
}

#[requires(sccache)]
#[test]
fn a_program_that_was_changed_is_not_taken() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    // Both names are of one file.
    let mut bytes = fs::read(main.path("target/debug/app")).unwrap();
    bytes.extend(b"changed");
    fs::write(main.path("target/debug/app"), bytes).unwrap();
    let linked = project.linked("second");
    seed(&linked).stdout_has("seeded");
    linked.uncached(&["build"]).ok().compiled(&["app bin"]);
}

/// The other worktree compiled a dependency again, and not yet what is above it.
#[requires(sccache)]
#[test]
fn what_is_stale_in_the_other_worktree_is_stale_here() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.edit("crates/low/src/lib.rs", "file!()", "\"newer\"");
    main.cargo(&["build", "-p", "low"]).ok();
    project.commit(&main.directory);
    let linked = project.linked("second");
    sccfg(&linked, &["seed", "-v"])
        .status(0)
        .stderr_has("low was built again");
    linked.uncached(&["build"]).ok().compiled(&["app bin"]);
    assert!(linked.says("app").starts_with("newer"));
}

#[rstest]
#[case::declares_nothing("", "cargo::warning=none")]
#[case::reads_the_other_place("cargo::rerun-if-changed=build.rs", "cargo::rustc-env=PLACE=@")]
#[requires(sccache)]
fn a_build_script_that_cannot_be_compared_runs(#[case] first: &str, #[case] second: &str) {
    let script = format!(
        "fn main() {{ println!(\"{first}\"); println!(\"{}\"); }}\n",
        second.replace('@', "{}")
    );
    let script = if second.contains('@') {
        script.replace(
            "{}\")",
            "{}\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap())",
        )
    } else {
        script
    };
    let lib = "pub fn place() -> Option<&'static str> { option_env!(\"PLACE\") }\n";
    let main = "fn main() { println!(\"{:?}\", low::place()); }\n";
    let project = Project::new()
        .with_store()
        .package("low", "", &[("src/lib.rs", lib), ("build.rs", &script)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", main)],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.cargo(&["build"]).ok();
    let seeded = linked.says("app");
    linked.clean();
    linked.uncached(&["build"]).ok();
    assert_eq!(seeded, linked.says("app"));
}

#[requires(sccache)]
#[test]
fn a_variable_that_a_macro_reads_counts() {
    let mac = "extern crate proc_macro;\n#[proc_macro]\npub fn flavour(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n\
        format!(\"{:?}\", std::env::var(\"FLAVOUR\").unwrap_or_default()).parse().unwrap()\n}\n";
    let main = "fn main() { println!(\"{}\", mac::flavour!()); }\n";
    let project = Project::new()
        .with_store()
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", mac)])
        .package(
            "app",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[("src/main.rs", main)],
        )
        .committed();
    project
        .main()
        .with("FLAVOUR", "sweet")
        .cargo(&["build"])
        .ok();
    for (place, flavour, compiled) in [
        ("second", "sweet", &[][..]),
        ("third", "sour", &["app bin"]),
    ] {
        let linked = project.linked(place).with("FLAVOUR", flavour);
        seed(&linked);
        linked.uncached(&["build"]).ok().compiled(compiled);
        assert_eq!(linked.says("app"), format!("{flavour}\n"));
    }
}

/// cargo does not compare what a package says of itself, if a macro reads it.
#[requires(sccache)]
#[test]
fn the_description_of_a_package_counts() {
    let project = project().committed();
    let main = project.main();
    let linked = project.linked("second");
    main.edit(
        "crates/app/Cargo.toml",
        "edition",
        "license = \"MIT\"\nedition",
    );
    main.cargo(&["build"]).ok();
    sccfg(&linked, &["seed", "-v"])
        .status(0)
        .stderr_has("the variable CARGO_PKG_LICENSE has another value");
    linked.uncached(&["build"]).ok().compiled(&["app bin"]);
}

/// rustc refuses a module with two files.
#[requires(sccache)]
#[test]
fn a_second_file_of_a_module_is_an_error() {
    let project = project()
        .file("crates/mac/src/lib.rs", &format!("mod part;\n{MAC}"))
        .file("crates/mac/src/part.rs", "")
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    linked.write("crates/mac/src/part/mod.rs", "");
    seed(&linked).stdout_has("seeded");
    linked.cargo(&["build"]).fails().stderr_has("E0761");
}

/// Paths of which one is the beginning of the other.
#[requires(sccache)]
#[test]
fn a_worktree_may_be_inside_of_another() {
    let project = project().committed();
    let main = project.main();
    let inner = project.linked("main/trees/inner");
    main.cargo(&ALL).ok();
    seed(&inner).stdout_has("seeded");
    inner.cargo(&ALL).ok().nothing_to_do();
    let seeded = fs::read(inner.path("target/debug/app")).unwrap();
    inner.clean();
    inner.cargo(&ALL).ok();
    assert!(seeded == fs::read(inner.path("target/debug/app")).unwrap());
    // And back.
    main.clean();
    seed(&main).stdout_has("seeded");
    main.cargo(&ALL).ok().nothing_to_do();
    let app = main.path("target/debug/app");
    assert_eq!(occurrences(&app, inner.text()), 0);
}

/// cargo makes the directory for temporary files when it compiles the test.
#[rstest]
#[requires(sccache)]
fn a_test_that_is_seeded_has_its_directory(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let test = "#[test]\nfn writes() {\n\
        let tmp = std::path::Path::new(file!()).ancestors().nth(4).unwrap().join(\"target/tmp\");\n\
        std::fs::write(format!(\"../../{}/x\", tmp.display()), \"x\").unwrap();\n}\n";
    let files = [("src/lib.rs", ""), ("tests/it.rs", test)];
    let project = Project::new().with_layout(layout).with_store();
    let project = project.package("app", "", &files).committed();
    project.main().cargo(&TEST).ok();
    let second = project.linked("second");
    seed(&second);
    second.cargo(&TEST).ok().nothing_to_do();
    assert!(second.path("target/tmp/x").exists());
}

/// A worktree with a part of the units would look as if it had been seeded.
#[rstest]
#[case::no_space("600k")]
#[case::space_for_some("2m")]
#[case::space_for_almost_all("6m")]
#[requires(sccache, root, unshare)]
fn on_a_full_disk_nothing_is_seeded(#[case] size: &str) {
    let project = project().committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let small = main.path("../small");
    fs::create_dir(&small).unwrap();
    let script = format!(
        "mount -t tmpfs -o size={size} none \"$SMALL\" && \
         git worktree add -q --detach \"$SMALL/second\" && cd \"$SMALL/second\" || exit; \
         \"$0\" seed; echo \"status $?\"; ls -A | grep -i -e target -e seed"
    );
    let mut unshare = main.command("unshare");
    unshare.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_sccfg")]);
    let output = unshare.env("SMALL", &small).output().unwrap();
    let ran = Ran::new(format!("seed on a disk of {size}"), &output);
    let ran = ran.stderr_has("error: could not fill ");
    let ran = ran.stderr_has("hint: check the owner of the directory, and the free space");
    assert_eq!(ran.stdout, "status 1\n");
}

/// A script that runs again finds what it has left. The result is not stored, but it is the one of this checkout as well.
#[rstest]
#[requires(sccache)]
fn a_run_that_was_not_stored_is_seeded(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = project().with_layout(layout).committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    main.edit("crates/low/input.txt", "input of main", "edited");
    project.commit(&main.directory);
    main.cargo(&ALL).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.uncached(&ALL).ok().nothing_to_do();
}
