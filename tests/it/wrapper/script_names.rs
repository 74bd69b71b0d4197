//! Programs and tests whose crates are called as those of build scripts: `build_script_…`.

use std::fs;
use std::path::PathBuf;

use rstest::rstest;
use serde_json::Value;

use super::build_scripts::{script, take_runs, with_runs};
use super::command::said;
use super::project::{Layout, Project};
use super::seed::seed;

const SAYS: &str = "fn main() { println!(\"{}\", std::process::id()); }\n";

/// A package with a build script, and with one of each kind of target that cargo links.
fn project(layout: Layout) -> Project {
    let manifest = "[[test]]\nname = \"build-script-plain\"\nharness = false\n\
        [[bench]]\nname = \"build-script-bench\"\nharness = false\n\
        [lib]\nname = \"build_script_lib\"\nharness = false\n";
    let build = script("let _ = out; println!(\"cargo::rerun-if-changed=build.rs\");");
    let test = "#[test] fn says() { println!(\"{}\", std::process::id()); }\n";
    let files = [
        ("build.rs", build.as_str()),
        ("src/lib.rs", "#[cfg(test)] fn main() {}\n"),
        ("src/main.rs", SAYS),
        ("src/bin/build-script-tool.rs", SAYS),
        ("examples/build-script-example.rs", SAYS),
        ("tests/build_script_it.rs", test),
        ("tests/build-script-plain.rs", SAYS),
        ("benches/build-script-bench.rs", SAYS),
    ];
    with_runs(Project::laid_out(layout).with_store())
        .package("app", manifest, &files)
        .committed()
}

/// cargo links, installs and runs the program itself.
#[rstest]
#[requires(sccache)]
fn a_program_with_the_name_of_a_build_script_is_not_one(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = project(layout);
    let (main, second) = (project.main(), project.linked("a/second"));
    for (checkout, runs) in [(&main, 1), (&second, 0)] {
        checkout.cargo(&["build", "--all-targets"]).ok();
        // The real one is found in the store.
        assert_eq!(take_runs(&project), runs);
        for program in ["build-script-tool", "examples/build-script-example"] {
            assert_ne!(checkout.says(program), checkout.says(program));
        }
    }
    let text = said(&second, &["report", "--json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    let units = report["units"].as_array().unwrap().iter();
    let mut names: Vec<_> = units.map(|unit| unit["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    let wanted = [
        "app (bin)",
        "app (test)",
        "app: build script",
        "app: run of the build script",
        "build_script_bench (bin)",
        "build_script_example (bin)",
        "build_script_it (test)",
        "build_script_lib",
        "build_script_lib (bin)",
        "build_script_plain (bin)",
        "build_script_tool (bin)",
        "build_script_tool (test)",
    ];
    assert_eq!(names, wanted);

    let root = project.sandbox.path("installed");
    let place = root.to_str().unwrap();
    let install = [
        "install",
        "--path",
        "crates/app",
        "--root",
        place,
        "--debug",
    ];
    second.cargo(&install).ok();
    let installed = root.join("bin/build-script-tool");
    assert_ne!(
        second.says_of(&installed, &[]),
        second.says_of(&installed, &[])
    );
}

/// No run of it is replayed.
#[rstest]
#[requires(sccache)]
fn a_test_with_the_name_of_a_build_script_runs_each_time(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = project(layout);
    let main = project.main();
    for args in [
        ["test", "--test", "build_script_it"],
        ["test", "--test", "build-script-plain"],
        ["bench", "--bench", "build-script-bench"],
    ] {
        let said = || {
            main.cargo(&[&args[..], &["--", "--nocapture"]].concat())
                .ok()
                .ran
                .stdout
        };
        said();
        assert_ne!(said(), said(), "{args:?}");
    }
}

/// An older version put a launcher in the place of such a program.
#[requires(sccache)]
#[test]
fn a_launcher_in_the_place_of_a_program_is_not_seeded() {
    let project = project(Layout::V1);
    let main = project.main();
    main.cargo(&["build"]).ok();
    let paths_in = |directory: &str| {
        let entries = fs::read_dir(main.path(directory)).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    let mut scripts = paths_in("target/debug/build").map(|path| path.join("build-script-build"));
    let launcher = scripts.find(|path| path.exists()).unwrap();
    let is_program = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("build_script_tool-") && path.extension().is_none()
    };
    let program = paths_in("target/debug/deps").find(is_program).unwrap();
    let moved = format!("{}.program", program.display());
    fs::rename(&program, moved).unwrap();
    fs::copy(&launcher, &program).unwrap();

    let second = project.linked("a/second");
    seed(&second);
    second.cargo(&["build"]).ok();
    assert_ne!(
        second.says("build-script-tool"),
        second.says("build-script-tool")
    );
}
