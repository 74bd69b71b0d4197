//! `sccfg report`: what became of a build, from the records that the wrapper leaves.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use super::command::said;
use super::project::{Checkout, Project, uses};

const LOW: &str = "pub fn f() -> u32 { 1 }\npub fn flavor() -> Option<&'static str> { option_env!(\"FLAVOR\") }\n";
const MID: &str = "pub fn g() -> u32 { low::f() + 1 }\n";
const APP: &str = "fn main() { println!(\"{}\", mid::g()); }\n";

fn project() -> Project {
    Project::new()
        .package("low", "", &[("src/lib.rs", LOW)])
        .package("mid", &uses(&["low"]), &[("src/lib.rs", MID)])
        .package("app", &uses(&["mid"]), &[("src/main.rs", APP)])
        .committed()
}

fn report(checkout: &Checkout<'_>, args: &[&str]) -> Value {
    let text = said(checkout, &[&["report", "--json"], args].concat());
    serde_json::from_str(&text).unwrap()
}

/// The texts of the first causes, with the units that were compiled for each.
fn causes(report: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let group = |group: &Value| {
        let units = group["units"].as_array().unwrap().iter().map(text);
        (text(&group["cause"]["text"]), units.collect())
    };
    report["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(group)
        .collect()
}

/// That all units were compiled for this one cause.
#[track_caller]
fn one_cause(report: &Value, text: &str, units: &[&str]) {
    let found = causes(report);
    assert_eq!(found.len(), 1, "{report:#}");
    assert!(found[0].0.contains(text), "no `{text}` in {found:?}");
    assert_eq!(found[0].1, units, "{report:#}");
}

fn records(checkout: &Checkout<'_>) -> Vec<PathBuf> {
    let entries = fs::read_dir(checkout.path("target/.sccfg/builds")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[requires(sccache)]
#[test]
fn a_report_lists_hits_and_misses() {
    let project = project();
    let (main, second) = (project.main(), project.linked("second"));
    main.cargo(&["build"]).ok();
    let cold = report(&main, &[]);
    assert_eq!(cold["counts"]["units"], 3);
    assert_eq!(cold["counts"]["missed"], 3);
    one_cause(&cold, "not built here before", &["low", "mid", "app (bin)"]);
    assert_eq!(cold["start"]["command"], "cargo build --offline");
    assert_eq!(cold["start"]["directory"], main.text());
    let steps = cold["critical_path"]["steps"].as_array().unwrap();
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["low", "mid", "app (bin)"]);

    second.cargo(&["build"]).ok().all_hit();
    let warm = report(&second, &[]);
    assert_eq!(warm["counts"]["hits"], 3);
    assert_eq!(warm["times"]["saved_unknown"], 0);
    assert!(warm["causes"].as_array().unwrap().is_empty());
    let text = said(&second, &["report"]);
    assert!(text.contains("3 units, 3 from a cache\n"), "{text}");
    assert!(text.contains("time saved"), "{text}");
    assert!(!text.contains("why units were compiled"), "{text}");
}

#[requires(sccache)]
#[test]
fn builds_of_a_checkout_with_a_long_path_are_recorded() {
    let project = project();
    let long = ["long-".repeat(20), "path-".repeat(20), "far".to_owned()];
    let checkout = project.linked(&long.join("/"));
    checkout.cargo(&["build"]).ok();
    assert_eq!(report(&checkout, &[])["counts"]["missed"], 3);

    checkout.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    checkout.cargo(&["build"]).ok();
    let all = ["low", "mid", "app (bin)"];
    let last = report(&checkout, &[]);
    one_cause(&last, "crates/low/src/lib.rs changed", &all);
}

#[requires(sccache)]
#[test]
fn a_changed_source_is_the_cause_of_all_that_use_it() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    main.cargo(&["build"]).ok().compiled_some();
    let last = report(&main, &[]);
    let all = ["low", "mid", "app (bin)"];
    one_cause(&last, "crates/low/src/lib.rs changed", &all);
    let app = last["units"].as_array().unwrap().last().unwrap();
    assert_eq!(
        app["through"],
        serde_json::json!(["app (bin)", "mid", "low"])
    );
    let text = said(&main, &["report"]);
    assert!(
        text.contains("low: crates/low/src/lib.rs changed"),
        "{text}"
    );
    assert!(text.contains("3 units: low, mid, app (bin)"), "{text}");
    // The build before is still there.
    let first = report(&main, &["--build", "2"]);
    one_cause(&first, "not built here before", &all);
    assert_eq!(said(&main, &["report", "--list"]).lines().count(), 2);
}

/// No checkout can have built what uses the changed library.
#[requires(sccache)]
#[test]
fn a_dependency_is_the_cause_of_a_new_unit() {
    let project = project();
    let main = project.main();
    main.cargo(&["build", "-p", "mid"]).ok();
    main.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    main.cargo(&["build"]).ok();
    one_cause(
        &report(&main, &[]),
        "crates/low/src/lib.rs changed",
        &["low", "mid", "app (bin)"],
    );
    let app = said(&main, &["explain", "app"]);
    assert!(app.contains("through: app (bin) → mid → low\n"), "{app}");
}

#[requires(sccache)]
#[test]
fn a_variable_that_is_read_only_with_a_feature_is_no_other_version() {
    let more = "pub const VERSION: &str = env!(\"CARGO_PKG_VERSION\");\n";
    let lib = "#[cfg(feature = \"more\")]\npub mod more;\n";
    let files = [("src/lib.rs", lib), ("src/more.rs", more)];
    let project = Project::new()
        .package("low", "[features]\nmore = []\n", &files)
        .committed();
    let main = project.main();
    main.cargo(&["build", "--features", "more"]).ok();
    main.cargo(&["build"]).ok();
    let text = "flag `feature=\"more\"` was removed";
    one_cause(&report(&main, &[]), text, &["low"]);
}

/// As examples and fuzz targets, which are workspaces of their own and use the package above them.
#[requires(sccache)]
#[test]
fn a_package_outside_of_the_workspace_is_named() {
    let project = project()
        .file(
            "fuzz/Cargo.toml",
            "[package]\nname = \"fuzz\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\nlow = { path = \"../crates/low\" }\n",
        )
        .file(
            "fuzz/src/main.rs",
            "fn main() { assert_eq!(low::f(), 1); }\n",
        )
        .committed();
    let fuzz = ["build", "--manifest-path", "fuzz/Cargo.toml"];
    project.main().cargo(&fuzz).ok();
    let second = project.linked("second");
    second.cargo(&fuzz).ok();
    let text = said(&second, &["-C", "fuzz", "report"]);
    let why = "shared only between checkouts that use it at the same path: its package is outside of the workspace's directory";
    assert!(text.contains(&format!("low: {why}")), "{text}");
    let text = said(&second, &["-C", "fuzz", "explain", "low"]);
    assert!(text.contains(&format!("  why: {why}\n")), "{text}");
    assert!(!text.contains("shared between all checkouts"), "{text}");
    assert_eq!(text.matches("shared only").count(), 1, "{text}");
    let json = said(&second, &["-C", "fuzz", "explain", "low", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["units"][0]["is_portable"], false, "{json:#}");
    // A checkout that uses the package at the same path.
    let third = project.linked("third");
    let path = second.directory.join("crates/low");
    let manifest = format!(
        "[package]\nname = \"fuzz\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nlow = {{ path = {:?} }}\n",
        path.to_str().unwrap()
    );
    third.write("fuzz/Cargo.toml", &manifest);
    third.cargo(&fuzz).ok();
    let text = said(&third, &["-C", "fuzz", "explain", "low"]);
    assert!(text.starts_with("low (lib), from the cache\n"), "{text}");
    assert!(text.contains(&format!("  {why}\n")), "{text}");
}

#[requires(sccache)]
#[test]
fn a_changed_variable_is_named_without_its_values() {
    let project = project();
    let main = project.main().with("FLAVOR", "hunter2-sweet");
    main.cargo(&["build"]).ok();
    let main = main.with("FLAVOR", "hunter2-sour");
    main.cargo(&["build"]).ok().compiled_some();
    let last = report(&main, &[]);
    one_cause(
        &last,
        "the variable FLAVOR has another value",
        &["low", "mid", "app (bin)"],
    );
    main.without("FLAVOR").cargo(&["build"]).ok();
    one_cause(
        &report(&main, &[]),
        "the variable FLAVOR was unset",
        &["low", "mid", "app (bin)"],
    );
    for file in records(&main) {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// cargo keeps the units of both.
#[requires(sccache)]
#[test]
fn a_check_is_not_compared_with_a_build() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.cargo(&["check"]).ok();
    for (text, _) in causes(&report(&main, &[])) {
        assert_eq!(text, "not built here before");
    }
    main.edit("crates/low/src/lib.rs", "1", "2");
    main.cargo(&["check"]).ok();
    for (text, _) in causes(&report(&main, &[])) {
        assert_eq!(text, "crates/low/src/lib.rs changed");
    }
}

#[requires(sccache)]
#[test]
fn a_changed_profile_is_named() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let main = main.with("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    main.cargo(&["build"]).ok().compiled_some();
    let last = report(&main, &[]);
    for (text, _) in causes(&last) {
        assert!(text.contains("opt-level=1"), "{last:#}");
    }
    assert_eq!(last["counts"]["missed"], 3);
}

#[requires(sccache, second_toolchain)]
#[test]
fn another_compiler_is_the_cause_of_everything() {
    let project = project();
    let main = project.main();
    let [one, other] = super::toolchains::two();
    main.with("RUSTC", one.0.to_str().unwrap())
        .cargo(&["build"])
        .ok();
    main.with("RUSTC", other.0.to_str().unwrap())
        .cargo(&["build"])
        .ok();
    one_cause(
        &report(&main, &[]),
        "another compiler",
        &["low", "mid", "app (bin)"],
    );
}

#[requires(sccache)]
#[test]
fn a_flag_is_named_and_a_unit_without_key_as_well() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.with("RUSTFLAGS", "--cfg fast").cargo(&["build"]).ok();
    for (text, _) in causes(&report(&main, &[])) {
        assert!(text.contains("`fast` was added"), "{text}");
    }
    let incremental = main.without("CARGO_INCREMENTAL");
    incremental.cargo(&["build"]).ok();
    let last = report(&main, &[]);
    assert_eq!(last["counts"]["uncached"], 3);
    one_cause(
        &last,
        "it is compiled incrementally",
        &["low", "mid", "app (bin)"],
    );
    let text = said(&main, &["report"]);
    assert!(text.contains("hint: set CARGO_INCREMENTAL=0"), "{text}");
    assert!(text.contains("each time that cargo asks for it"), "{text}");
}

/// Its program prints the number of a run, as others print the time.
const STAMP: &str = "fn main() { println!(\"cargo::rustc-env=STAMP={}\", std::fs::read_to_string(\"stamp\").unwrap().trim()); println!(\"cargo::rerun-if-changed=stamp\"); }\n";

#[requires(sccache)]
#[test]
fn a_build_script_that_writes_something_else_is_found() {
    let project = Project::new()
        .package(
            "stamped",
            "",
            &[
                ("build.rs", STAMP),
                ("stamp", "1"),
                ("src/lib.rs", "pub const STAMP: &str = env!(\"STAMP\");\n"),
            ],
        )
        .package(
            "app",
            "[dependencies]\nstamped = { path = \"../stamped\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", stamped::STAMP); }\n",
            )],
        )
        .committed()
        .with_store();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.write("crates/stamped/stamp", "2");
    main.cargo(&["build"]).ok();
    let last = report(&main, &[]);
    one_cause(
        &last,
        "crates/stamped/stamp changed",
        &["stamped: run of the build script", "stamped", "app (bin)"],
    );
}

/// The script replaces the wrapper, and cargo gives the file with its output the time at which it started.
#[requires(sccache)]
#[test]
fn the_time_of_a_run_that_is_not_stored_is_known() {
    const RANDOM: &str = "use std::hash::{BuildHasher as _, RandomState};\nfn main() {\n    println!(\"cargo::rustc-env=NUMBER={}\", RandomState::new().hash_one(1));\n    std::thread::sleep(std::time::Duration::from_millis(300));\n}\n";
    let number = "fn main() { println!(\"{}\", env!(\"NUMBER\")); }\n";
    let project = Project::new()
        .package("app", "", &[("build.rs", RANDOM), ("src/main.rs", number)])
        .committed();
    project.main().cargo(&["build"]).ok();
    let last = report(&project.main(), &[]);
    let mut units = last["units"].as_array().unwrap().iter();
    let run = units.find(|unit| unit["types"] == serde_json::json!(["run"]));
    let time = run.unwrap()["time"].as_u64();
    assert!(time.is_some_and(|time| time >= 300), "{last:#}");
}

/// Nothing changed, and it was never built here. The program does not contain the path, because it does not call that function.
#[requires(sccache)]
#[test]
fn what_uses_a_library_with_the_path_of_the_checkout_has_the_same_cause() {
    const PLACED: &str =
        "pub fn place() -> &'static str { std::convert::identity(env!(\"CARGO_MANIFEST_DIR\")) }\n";
    const MID: &str = "pub use placed::place;\npub fn g() -> u32 { 1 }\n";
    const APP: &str = "fn main() { println!(\"{} {}\", mid::g(), low::f()); }\n";
    let project = Project::new()
        .package("low", "", &[("src/lib.rs", LOW)])
        .package("placed", "", &[("src/lib.rs", PLACED)])
        .package("mid", &uses(&["placed"]), &[("src/lib.rs", MID)])
        .package("app", &uses(&["low", "mid"]), &[("src/main.rs", APP)])
        .committed();
    let (main, second) = (project.main(), project.linked("second"));
    for checkout in [&main, &second] {
        checkout.cargo(&["build"]).ok();
    }
    let text = "shared only between checkouts at the same path: the output contains";
    one_cause(&report(&second, &[]), text, &["placed", "app (bin)"]);
    let explained = said(&second, &["explain", "mid"]);
    assert!(
        explained.contains("shared between all checkouts"),
        "{explained}"
    );
    let explained = said(&second, &["explain", "app"]);
    for text in [
        text,
        "through: app (bin) → placed",
        "shared only between checkouts at the same path: it uses placed, which depends on the path of the checkout",
    ] {
        assert!(explained.contains(text), "no `{text}` in {explained}");
    }
    let against = main.directory.to_str().unwrap();
    let compared = said(&second, &["explain", "app", "--against", against]);
    let text =
        "through: app → mid → placed\n  in placed:\n    only the path of the checkout differs\n";
    assert!(compared.contains(text), "no `{text}` in {compared}");
    let explained = said(&second, &["explain", "low"]);
    assert!(
        explained.contains("shared between all checkouts"),
        "{explained}"
    );
}

/// The length of the path is a constant of the library.
#[requires(sccache)]
#[rstest::rstest]
#[case::value("pub const PLACE: usize = env!(\"CARGO_MANIFEST_DIR\").len();\n")]
#[case::value_of_replaced_path(
    "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/more.rs\"));\n"
)]
#[test]
fn explain_says_what_is_below_a_unit_that_is_not_shared(#[case] placed: &str) {
    const MORE: &str = "pub const PLACE: usize = file!().len();\n";
    const MID: &str = "pub fn mid() -> usize { placed::PLACE }\n";
    let project = Project::new()
        .package(
            "placed",
            "",
            &[("src/lib.rs", placed), ("src/more.rs", MORE)],
        )
        .package("mid", &uses(&["placed"]), &[("src/lib.rs", MID)])
        .committed();
    let (main, second) = (project.main(), project.linked("in/another/second"));
    for checkout in [&main, &second] {
        checkout.cargo(&["build"]).ok();
    }
    let last = report(&second, &[]);
    assert_eq!(last["counts"]["hits"], 0, "{last:#}");
    let explained = said(&second, &["explain", "mid"]);
    let text = "shared only between checkouts at the same path: it uses placed, which depends on the path of the checkout";
    assert!(explained.contains(text), "no `{text}` in {explained}");
}

/// What is linked is not cached without what it is linked from.
#[requires(sccache)]
#[test]
fn the_dependency_because_of_which_a_program_is_not_cached_is_named() {
    const MACROS: &str = "#[proc_macro] pub fn value(_: proc_macro::TokenStream) -> proc_macro::TokenStream { std::env::args().len().to_string().parse().unwrap() }\n";
    let project = Project::new()
        .package(
            "macros",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", MACROS)],
        )
        .package(
            "low",
            &uses(&["macros"]),
            &[(
                "src/lib.rs",
                "pub fn f() -> bool { macros::value!() > 1 }\n",
            )],
        )
        .package(
            "app",
            &uses(&["low"]),
            &[("src/main.rs", "fn main() { println!(\"{}\", low::f()); }\n")],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let explained = said(&project.main(), &["explain", "app"]);
    let text = "a dependency, or one below it, is not cached: low";
    assert!(explained.contains(text), "no `{text}` in {explained}");
}

#[requires(sccache)]
#[test]
fn what_was_changed_and_changed_back_is_found_again() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    main.cargo(&["build"]).ok();
    main.edit("crates/low/src/lib.rs", "{ 2 }", "{ 1 }");
    main.cargo(&["build"]).ok();
    let last = report(&main, &[]);
    assert_eq!(last["counts"]["hits"], last["counts"]["units"]);
    let together = report(&main, &["--since", "1h"]);
    assert_eq!(together["builds"], 3);
    assert_eq!(together["counts"]["units"], 9);
}

/// A crate that is compiled twice in one build, with other features, is not compared with itself.
#[requires(sccache)]
#[test]
fn units_of_the_same_crate_in_a_first_build_are_new() {
    let with = "[features]\nfast = []\n";
    let of_app = "[dependencies]\nlow = { path = \"../low\" }\n\
                  [build-dependencies]\nlow = { path = \"../low\", features = [\"fast\"] }\n";
    let script =
        "fn main() { assert_eq!(low::f(), 1); println!(\"cargo::rerun-if-changed=build.rs\"); }\n";
    let project = Project::new()
        .package("low", with, &[("src/lib.rs", LOW)])
        .package(
            "app",
            of_app,
            &[
                ("build.rs", script),
                ("src/main.rs", "fn main() { low::f(); }\n"),
            ],
        )
        .committed();
    let main = project.main();
    main.cargo(&["build", "-j1"]).ok();
    let last = report(&main, &[]);
    let units = last["units"].as_array().unwrap().iter();
    let low: Vec<_> = units.filter(|unit| unit["name"] == "low").collect();
    assert_eq!(low.len(), 2, "{last:#}");
    for unit in low {
        assert_eq!(unit["why"]["cause"]["kind"], "new", "{unit:#}");
    }
}

#[requires(sccache)]
#[test]
fn a_compile_that_fails_is_counted() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.edit("crates/mid/src/lib.rs", "low::f()", "low::nothing()");
    main.cargo(&["build"]).fails();
    let last = report(&main, &[]);
    assert_eq!(last["counts"]["failed"], 1);
    assert!(said(&main, &["report"]).contains("failed        1"));
    let text = said(&main, &["explain", "mid"]);
    assert!(text.starts_with("mid (lib), failed\n"), "{text}");
    assert!(
        !text.contains("compiled") && !text.contains("shared"),
        "{text}"
    );
}

/// What sccache knows of all builds of all its users does not help then.
#[requires(sccache)]
#[test]
fn before_the_first_build_the_report_says_so() {
    let project = project();
    let main = project.main();
    for command in [&["report"][..], &["explain", "mid"]] {
        let text = said(&main, command);
        assert!(text.contains("nothing was built "), "{text}");
        assert!(text.contains("next:    cargo build "), "{text}");
        assert!(!text.contains("server"), "{text}");
    }
}

#[requires(sccache)]
#[test]
fn unusable_records_do_not_affect_builds() {
    let project = project();
    let main = project.main();
    main.write("target/.sccfg/builds", "a file where the directory belongs");
    main.cargo(&["build"]).ok();
    let output = main
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .arg("report")
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("no build is recorded in "), "{text}");

    main.clean();
    main.cargo(&["build"]).ok();
    let [file] = &*records(&main) else { panic!() };
    let text = fs::read_to_string(file).unwrap();
    fs::write(
        file,
        format!("{{\"unit\":{{\"unit\":\"cut o\nnot json\n{text}"),
    )
    .unwrap();
    assert_eq!(report(&main, &[])["counts"]["units"], 3);
    let output = main
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .args(["report", "--build", "7"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("there is no build 7; 1 build is recorded"),
        "{error}"
    );
    assert!(error.contains("hint: list the builds"), "{error}");
}

/// Probes of build scripts have another parent than cargo.
#[requires(sccache)]
#[test]
fn a_probe_of_a_build_script_is_not_a_build() {
    let probe = "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(format!(\"{out}/p.rs\"), \"\").unwrap(); \
                 let done = std::process::Command::new(std::env::var(\"RUSTC_WRAPPER\").unwrap()).arg(std::env::var(\"RUSTC\").unwrap())\
                 .args([\"--crate-name\", \"p\", \"--crate-type\", \"lib\", \"--emit=dep-info,metadata\", \"--out-dir\", &out, &format!(\"{out}/p.rs\")]).status().unwrap(); assert!(done.success()); }\n";
    let project = Project::new()
        .package("probing", "", &[("build.rs", probe), ("src/lib.rs", "")])
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(records(&main).len(), 1);
    let last = report(&main, &[]);
    let units = last["units"].as_array().unwrap().iter();
    let names: Vec<_> = units.map(|unit| unit["name"].as_str().unwrap()).collect();
    assert!(!names.contains(&"p"), "{names:?}");
}

#[requires(sccache)]
#[test]
fn builds_at_the_same_time_are_kept_apart() {
    let project = project();
    let main = project.main();
    let args = [&["build"][..], &["build", "--release"]];
    let running: Vec<_> = args.iter().map(|args| main.started(args)).collect();
    for (child, args) in running.into_iter().zip(args) {
        let output = child.wait_with_output().unwrap();
        main.outcome(args, &output).ok();
    }
    let list = report(&main, &["--list"]);
    let builds = list["builds"].as_array().unwrap();
    assert_eq!(builds.len(), 2, "{list:#}");
    for build in builds {
        assert_eq!(build["counts"]["units"], 3, "{list:#}");
    }
}

/// `sccfg` with these arguments, which runs until it is interrupted, and its standard output.
fn watch(checkout: &Checkout<'_>, args: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut watching = checkout
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(watching.stdout.take().unwrap());
    (watching, said)
}

fn ends_at_ctrl_c(watching: &mut Child) {
    let pid = watching.id().to_string();
    let mut kill = crate::lab::kill();
    assert!(kill.args(["-s", "INT", &pid]).status().unwrap().success());
    assert!(watching.wait().unwrap().success());
}

#[requires(sccache)]
#[test]
fn watching_prints_each_unit_until_ctrl_c() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let (mut watching, mut said) = watch(&main, &["watch"]);
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    assert_eq!(first, format!("watching {}/target\n", main.text()));
    main.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    main.cargo(&["build"]).ok();
    let mut lines = String::new();
    while lines.lines().count() < 3 {
        assert_ne!(said.read_line(&mut lines).unwrap(), 0, "{lines}");
    }
    for (line, name) in lines.lines().zip(["low", "mid", "app (bin)"]) {
        assert!(
            line.starts_with(&format!("missed      {name}  ")),
            "{lines}"
        );
        assert!(
            line.ends_with("  (crates/low/src/lib.rs changed)"),
            "{lines}"
        );
    }
    ends_at_ctrl_c(&mut watching);
}

#[requires(sccache)]
#[test]
fn watching_names_a_unit_that_is_not_cached() {
    let project = super::workspace_scripts::app(
        "String::from_utf8(std::process::Command::new(\"date\").output().unwrap().stdout).unwrap()",
    );
    let main = project.main();
    let (mut watching, mut said) = watch(&main, &["watch"]);
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    main.cargo(&["build"]).ok();
    while !line.contains("run of the build script") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "no run");
    }
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert!(line.starts_with("not cached  app: run of "), "{line}");
}

#[requires(sccache)]
#[test]
fn watching_prints_each_unit_as_an_object() {
    let project = project();
    let main = project.main();
    let (mut watching, mut said) = watch(&main, &["watch", "--json"]);
    main.cargo(&["build"]).ok();
    let mut objects = Vec::new();
    while objects.len() < 3 {
        let mut line = String::new();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "{objects:?}");
        objects.push(serde_json::from_str::<Value>(&line).unwrap());
    }
    ends_at_ctrl_c(&mut watching);
    let mut units = report(&main, &[])["units"].clone();
    for unit in units.as_array_mut().unwrap() {
        // Known only at the end of the build.
        unit.as_object_mut().unwrap().remove("start");
        unit.as_object_mut().unwrap().remove("is_on_critical_path");
    }
    assert_eq!(Value::Array(objects), units);
}
