//! `sccfg explain`: why a unit was compiled, down to the first cause, in builds and in other checkouts.

use serde_json::Value;

use super::command::said;
use super::project::{Checkout, Project};
use super::seed::sccfg;
use super::workspace_scripts::app;

const LOW: &str = "pub fn f() -> u32 { 1 }\npub fn flavor() -> Option<&'static str> { option_env!(\"FLAVOR\") }\n";
const MID: &str = "pub fn g() -> u32 { below::f() + 1 }\n";
const APP: &str = "fn main() { println!(\"{}\", mid::g()); }\n";

/// `app` uses `mid`, and `mid` uses `low` under another name.
fn project() -> Project {
    let of_mid = "[dependencies]\nbelow = { path = \"../low\", package = \"low\" }\n";
    let of_app = "[dependencies]\nmid = { path = \"../mid\" }\n";
    Project::new()
        .package("low", "", &[("src/lib.rs", LOW)])
        .package("mid", of_mid, &[("src/lib.rs", MID)])
        .package("app", of_app, &[("src/main.rs", APP)])
        .committed()
}

/// That the last build compiled `app` for this reason, which `low` has.
#[track_caller]
fn first_cause(checkout: &Checkout<'_>, why: &str) {
    let text = said(checkout, &["explain", "app"]);
    assert!(
        text.contains(&format!("  why: {why}\n")),
        "no `{why}` in\n{text}"
    );
    let through = "  through: app (bin) → mid → low\n";
    assert!(text.contains(through), "{text}");
}

#[requires(sccache)]
#[test]
fn a_changed_source() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    main.cargo(&["build"]).ok();
    first_cause(&main, "crates/low/src/lib.rs changed");
    let low = said(&main, &["explain", "low"]);
    assert!(
        low.starts_with("low (lib), compiled\n  build 1, just now: compiled in "),
        "{low}"
    );
    assert!(
        low.contains("hint: git diff -- crates/low/src/lib.rs"),
        "{low}"
    );
    assert_eq!(low, said(&main, &["wrapper", "explain", "low"]));
}

/// Then the result may be that of the sources before or after the change.
#[requires(sccache)]
#[test]
fn a_unit_whose_source_changes_during_the_compile_is_not_stored() {
    let project = project();
    let main = project.main();
    let source = "crates/app/src/main.rs";
    main.build_with_edit_during_compile(source).ok();
    let text = said(&main, &["explain", "app"]);
    let expected = ", and not stored: a file that it reads changed meanwhile\n";
    assert!(text.contains(expected), "{text}");
    // The cache did not lose it.
    project.git(&main.directory, &["checkout", "-q", source]);
    main.cargo(&["build"]).ok();
    let text = said(&main, &["explain", "app"]);
    let why = "why: a file that it reads changed during the last compile, which was not stored\n";
    assert!(text.contains(why), "{text}");
}

/// rustc compiles tests as programs.
#[requires(sccache)]
#[test]
fn a_test_is_described_as_a_test() {
    let project = project();
    let main = project.main();
    main.cargo(&["test", "--no-run"]).ok();
    let low = said(&main, &["explain", "low"]);
    let mut heads: Vec<_> = low
        .lines()
        .filter(|line| line.ends_with("), compiled"))
        .collect();
    heads.sort_unstable();
    assert_eq!(heads, ["low (lib), compiled", "low (test), compiled"]);
}

/// The path may be in it, where a search does not find it.
#[requires(sccache)]
#[test]
fn a_run_with_compressed_data_is_of_one_path() {
    let value = "{ fs::write(format!(\"{out}/g.zip\"), b\"PK\\x03\\x04\").unwrap(); \"said\" }";
    let project = app(value);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("a/second");
    for origin in ["executed", "from the cache"] {
        second.clean();
        second.cargo(&["build"]).ok();
        let text = said(&second, &["explain", "app"]);
        assert!(
            text.contains(&format!("run of the build script, {origin}")),
            "{text}"
        );
        let why = "shared only between checkouts at the same path: its output contains";
        assert!(text.contains(why), "{text}");
    }
    let third = project.linked("third");
    let seeded = sccfg(&third, &["seed", "-v"]).status(0);
    seeded.stderr_has("its output contains the path of the checkout where it cannot be replaced, or compressed data");
}

#[requires(sccache)]
#[test]
fn a_changed_variable() {
    let project = project();
    let main = project.main().with("FLAVOR", "sweet");
    main.cargo(&["build"]).ok();
    let main = main.with("FLAVOR", "salty");
    main.cargo(&["build"]).ok();
    first_cause(&main, "the variable FLAVOR has another value");
    let low = said(&main, &["explain", "low"]);
    assert!(
        low.contains("here it is salty; the other value is not recorded"),
        "{low}"
    );
    // In a shell that has another value, neither is known.
    let low = said(&main.with("FLAVOR", "bitter"), &["explain", "low"]);
    assert!(!low.contains("salty") && !low.contains("bitter"), "{low}");
}

/// A setting is no secret: both values are shown, also in a shell that has neither.
#[requires(sccache)]
#[test]
fn a_changed_variable_that_cannot_be_secret_has_both_values() {
    let project = project();
    let main = project.main().with("FLAVOR", "1.2");
    main.cargo(&["build"]).ok();
    let second = project.linked("second").with("FLAVOR", "off");
    second.cargo(&["build"]).ok();
    let main = main.with("FLAVOR", "1.3");
    main.cargo(&["build"]).ok();
    first_cause(&main, "the variable FLAVOR is \"1.3\" instead of \"1.2\"");
    let low = said(&main.without("FLAVOR"), &["explain", "low"]);
    assert!(
        low.contains("env!(FLAVOR): \"1.2\" before, \"1.3\" now"),
        "{low}"
    );
    let main = project.main();
    let against = ["explain", "app", "--against", main.text()];
    let app = said(&second, &against);
    assert!(
        app.contains("the variable FLAVOR is \"off\" instead of \"1.3\""),
        "{app}"
    );
    // The hint is for those who have not done this.
    let hint = "--against CHECKOUT` compares it";
    assert!(!app.contains(hint), "{app}");
    assert!(said(&second, &["explain", "app"]).contains(hint));
}

#[requires(sccache)]
#[test]
fn a_changed_flag() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    // Of this package alone, so that the others have the same flags as before.
    main.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n[profile.dev.package.low]\nopt-level = 2\n",
    );
    main.cargo(&["build"]).ok();
    first_cause(&main, "flag `opt-level=2` was added and another flag");
}

#[requires(sccache)]
#[test]
fn a_changed_dependency() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.edit("crates/low/Cargo.toml", "0.1.0", "0.2.0");
    main.cargo(&["build"]).ok();
    first_cause(&main, "low is version 0.2.0 instead of 0.1.0");
}

#[requires(sccache, second_toolchain)]
#[test]
fn a_changed_compiler() {
    let project = project();
    let main = project.main();
    for (rustc, _) in super::toolchains::two() {
        main.with("RUSTC", rustc.to_str().unwrap())
            .cargo(&["build"])
            .ok();
    }
    let app = said(&main, &["explain", "app"]);
    assert!(app.contains("  why: another compiler\n"), "{app}");
}

#[requires(sccache)]
#[test]
fn another_checkout_is_followed_to_the_first_difference() {
    let project = project();
    let (main, second) = (project.main(), project.linked("second"));
    second.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    for checkout in [&main, &second] {
        checkout.cargo(&["build"]).ok();
    }
    let against = ["explain", "app", "--against", main.text()];
    let app = said(&second, &against);
    assert!(
        app.contains("  why: crates/low/src/lib.rs differs\n"),
        "{app}"
    );
    assert!(app.contains("  through: app → mid → low\n"), "{app}");
    let file = |checkout: &Checkout<'_>| format!("{}/crates/low/src/lib.rs", checkout.text());
    let hint = format!("hint: diff -u {} {}", file(&main), file(&second));
    assert!(app.contains(&hint), "{app}");
    let json = said(&second, &[&against[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    let found = &json["units"][0]["against"];
    assert_eq!(found["through"], serde_json::json!(["app", "mid", "low"]));
    assert_eq!(found["changes"][0]["what"], "file crates/low/src/lib.rs");
    assert_eq!(json["units"][0]["last_build"]["number"], 1);
}

#[requires(sccache)]
#[test]
fn an_earlier_build_is_compared() {
    let project = project();
    let main = project.main().with("FLAVOR", "sweet");
    main.cargo(&["build"]).ok();
    main.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    main.cargo(&["build"]).ok();
    let main = main.with("FLAVOR", "salty");
    main.cargo(&["build"]).ok();
    let since = |build| said(&main, &["explain", "low", "--against", build]);
    let text = since("3");
    assert!(text.contains("  changed since build 3:\n"), "{text}");
    for part in ["file crates/low/src/lib.rs: ", "env!(FLAVOR): "] {
        assert!(
            text.contains(&format!("    {part}")),
            "no `{part}` in\n{text}"
        );
    }
    let text = since("2");
    assert!(text.contains("  changed since build 2:\n"), "{text}");
    let (_, changed) = text.split_once("changed since").unwrap();
    assert!(!changed.contains("file crates/low"), "{text}");
    assert!(since("1").contains("  the same key as in build 1\n"));
    // A cache has what was there before; in what its key differed is not recorded.
    let main = main.with("FLAVOR", "sweet");
    main.cargo(&["build"]).ok();
    let text = said(&main, &["explain", "low", "--against", "2"]);
    assert!(
        text.contains("what changed since build 2 is not recorded"),
        "{text}"
    );
    let output = main.command(env!("CARGO_BIN_EXE_sccfg"));
    let output = { output }
        .args(["explain", "low", "--against", "9"])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("there is no build 9; 4 builds are recorded"),
        "{error}"
    );
}

/// `cargo build` and `cargo check` have units of their own.
#[requires(sccache)]
#[test]
fn the_unit_of_the_last_build_comes_first() {
    let project = project();
    let main = project.main();
    for command in ["build", "check", "build", "check"] {
        let text = main.read("crates/low/src/lib.rs");
        main.write("crates/low/src/lib.rs", &format!("{text}// {command}\n"));
        main.cargo(&[command]).ok();
        let text = said(&main, &["explain", "low"]);
        let (_, first) = text.split_once('\n').unwrap();
        assert!(first.starts_with("  build 1, "), "{command}: {text}");
    }
}

#[requires(sccache)]
#[test]
fn a_hit_says_what_it_saved() {
    let project = project().with_store();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    let text = said(&second, &["explain", "low"]);
    assert!(
        text.contains("just now: the local store had it, which took "),
        "{text}"
    );
    assert!(!text.contains("why:"), "{text}");
}

/// The values that a shell has are shown, but no secret.
#[requires(sccache)]
#[test]
fn a_secret_value_is_not_shown() {
    let project = Project::new()
        .package(
            "low",
            "",
            &[(
                "src/lib.rs",
                "pub const N: usize = env!(\"SERVICE_TOKEN\").len();\n",
            )],
        )
        .committed();
    let main = project.main().with("SERVICE_TOKEN", "one");
    main.cargo(&["build"]).ok();
    let main = main.with("SERVICE_TOKEN", "hunter2");
    main.cargo(&["build"]).ok();
    for args in [&["explain", "low"][..], &["explain", "low", "--json"]] {
        let text = said(&main, args);
        assert!(
            text.contains("SERVICE_TOKEN") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

/// In `..` of a directory that is missing, there are the records of this checkout.
#[requires(sccache)]
#[test]
fn a_checkout_that_is_missing_is_an_error() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    for other in ["../missing", "Cargo.toml"] {
        let said = sccfg(&main, &["explain", "low", "--against", other]).status(1);
        said.stderr_has(&format!("{other} is not a directory"))
            .stderr_has("hint: pass another checkout");
    }
    // A directory without a package.
    let low = said(&main, &["explain", "low", "--against", "../home"]);
    assert!(low.contains("not compiled in the other checkout"), "{low}");
}

/// Many scripts put the paths of their files together from a variable of cargo.
#[requires(sccache)]
#[test]
fn the_path_of_its_package_is_the_reason_why_a_script_runs_in_a_new_worktree() {
    let project = app(
        "fs::read_to_string(format!(\"{}/data.txt\", env::var(\"CARGO_MANIFEST_DIR\").unwrap())).unwrap()",
    );
    let (main, second) = (project.main(), project.linked("second"));
    for checkout in [&main, &second] {
        checkout.cargo(&["build"]).ok();
    }
    let why = "shared only between checkouts at the same path: it may read the path of its package";
    let explained = said(&second, &["explain", "app"]);
    let (_, of_run) = explained
        .split_once("app: run of the build script")
        .unwrap();
    assert!(of_run.contains(&format!("why: {why}")), "{explained}");
    assert!(of_run.contains("hint: use relative paths"), "{explained}");
    assert!(said(&second, &["report"]).contains(why));
    // Here, it does not run again.
    second.clean();
    second.cargo(&["build"]).ok();
    let explained = said(&second, &["explain", "app"]);
    assert!(explained.contains("run of the build script, from the cache"));
    assert!(explained.contains(why), "{explained}");
}

#[requires(sccache)]
#[test]
fn where_portable_keys_are_used_a_build_is_the_next_step() {
    let project = project();
    let main = project.main();
    for args in [&["report"][..], &["explain", "low"]] {
        let said = said(&main, args);
        assert!(said.contains("next:    cargo build"), "{said}");
    }
    // As in a shell that has got portable keys after a build: for cargo, all units are fresh.
    main.uncached(&["build"]).ok();
    main.cargo(&["build"]).ok().nothing_to_do();
    for args in [&["report"][..], &["explain", "low"]] {
        let said = said(&main, args);
        assert!(
            said.contains("next:    cargo clean, then cargo build"),
            "{said}"
        );
    }
}

/// The paths of sources that are included by an absolute path are absolute.
#[requires(sccache)]
#[test]
fn an_include_by_an_absolute_path_is_named() {
    let lib = "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/made/more.rs\"));\n";
    let more = "pub fn first(list: &[u32]) -> u32 { println!(\"{}\", file!()); list[0] }\n";
    let files = [("src/lib.rs", lib), ("made/more.rs", more)];
    let project = Project::new().package("low", "", &files).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let low = said(&main, &["explain", "low"]);
    let hint = "  hint: include source files by relative paths;";
    assert!(low.contains(hint), "{low}");
    main.write("crates/low/src/lib.rs", "include!(\"../made/more.rs\");\n");
    main.cargo(&["build"]).ok();
    let low = said(&main, &["explain", "low"]);
    assert!(low.contains("shared between all checkouts"), "{low}");
}
