//! What cargo's configuration says of variables and of the compiler counts for a worktree that is seeded from a shell,
//! where cargo has not set anything.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rstest::rstest;

use super::project::{Checkout, Layout, Project, real_rustc};
use super::seed::{sccfg, seed};

const APP: &str = r#"
fn main() { println!("{} {}", env!("SCRIPT_SAYS"), option_env!("GREETING").unwrap_or("nothing")); }
"#;
const SCRIPT: &str = r#"
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=STAGE");
    let stage = std::env::var("STAGE").unwrap_or("none".to_owned());
    println!("cargo::rustc-env=SCRIPT_SAYS={stage}");
}
"#;
const CONFIG: &str = ".cargo/config.toml";

fn project(config: &str) -> Project {
    Project::new()
        .with_store()
        .file(CONFIG, config)
        .package("app", "", &[("src/main.rs", APP), ("build.rs", SCRIPT)])
        .committed()
}

/// A worktree of main's commit that is seeded after its files were changed.
fn seeded<'a>(project: &'a Project, change: impl FnOnce(&Checkout<'a>)) -> Checkout<'a> {
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("linked");
    change(&linked);
    seed(&linked);
    linked
}

#[rstest]
#[case::values("[env]\nGREETING = \"hello\"\nSTAGE = \"first\"\n", "first hello")]
#[case::tables(
    "[env]\nGREETING = { value = \"hello\", force = true }\n[env.STAGE]\nvalue = \"first\"\nforce = false\n",
    "first hello"
)]
#[case::included(
    "include = [{ path = \"more.toml\" }]\n[env]\nGREETING = \"hello\"\n",
    "included hello"
)]
#[requires(sccache)]
fn variables_are_those_of_the_configuration(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[case] config: &str,
    #[case] says: &str,
) {
    let more = "[env]\nGREETING = \"less\"\nSTAGE = \"included\"\n";
    let project = Project::new()
        .with_layout(layout)
        .with_store()
        .file(CONFIG, config)
        .file(".cargo/more.toml", more)
        .package("app", "", &[("src/main.rs", APP), ("build.rs", SCRIPT)])
        .committed();
    let linked = seeded(&project, |_| ());
    linked.uncached(&["build"]).ok().nothing_to_do();
    assert_eq!(linked.says("app"), format!("{says}\n"));
}

#[rstest]
#[case::of_a_crate("GREETING", "first bye")]
#[case::of_a_script("STAGE", "bye hello")]
#[requires(sccache)]
fn another_value_in_the_configuration_counts(
    #[values("{ value = \"bye\", force = true }", "\"bye\"")] value: &str,
    #[case] name: &str,
    #[case] says: &str,
) {
    let config = "[env]\nGREETING = \"hello\"\nSTAGE = \"first\"\n";
    let project = project(config);
    let linked = seeded(&project, |linked| {
        let lines = config.lines().map(|line| match line.split_once(" = ") {
            Some((key, _)) if key == name => format!("{name} = {value}\n"),
            _ => format!("{line}\n"),
        });
        linked.write(CONFIG, &lines.collect::<String>());
    });
    linked.uncached(&["build"]).ok();
    assert_eq!(linked.says("app"), format!("{says}\n"));
}

/// What a shell has set comes before the configuration, unless that insists.
#[rstest]
#[case::not_forced("\"configured\"", "first hello")]
#[case::forced("{ value = \"configured\", force = true }", "first configured")]
#[requires(sccache)]
fn a_variable_of_the_shell_comes_first(#[case] value: &str, #[case] says: &str) {
    let project = project(&format!("[env]\nGREETING = {value}\n"));
    let main = project.main().with("GREETING", "hello");
    main.with("STAGE", "first").cargo(&["build"]).ok();
    let linked = project.linked("linked").with("GREETING", "hello");
    let linked = linked.with("STAGE", "first");
    seed(&linked);
    linked.uncached(&["build"]).ok().nothing_to_do();
    assert_eq!(linked.says("app"), format!("{says}\n"));
}

/// What this checkout insists on, it did not in the other one.
#[requires(sccache)]
#[test]
fn the_shell_of_another_checkout_may_have_decided() {
    let project = project("[env]\nGREETING = \"configured\"\n");
    let main = project.main().with("GREETING", "hello");
    main.cargo(&["build"]).ok();
    let linked = project.linked("linked").with("GREETING", "hello");
    linked.edit(
        CONFIG,
        "\"configured\"",
        "{ value = \"configured\", force = true }",
    );
    seed(&linked);
    linked.uncached(&["build"]).ok();
    assert_eq!(linked.says("app"), "none configured\n");
}

/// cargo finds the compiler with its own.
#[requires(sccache)]
#[test]
fn a_search_path_in_the_configuration_is_for_compilers_and_scripts() {
    let project = project("[env]\nPATH = { value = \"/usr/bin:/bin\", force = true }\n");
    let linked = seeded(&project, |_| ());
    linked.uncached(&["build"]).ok().nothing_to_do();
}

/// A relative value is another one in each checkout.
#[requires(sccache)]
#[test]
fn a_relative_value_is_of_this_checkout() {
    let project = project("[env]\nGREETING = { value = \"data\", relative = true }\n");
    let linked = seeded(&project, |_| ());
    linked.uncached(&["build"]).ok();
    let data = linked.path("data");
    assert_eq!(linked.says("app"), format!("none {}\n", data.display()));
}

/// Another compiler has made other files, also if it calls itself the same.
#[rstest]
#[case::in_a_file("[build]\nrustc = \"tools/rustc\"\n", false)]
#[case::in_a_variable("# nothing\n", true)]
#[requires(sccache)]
fn the_compiler_is_that_of_the_configuration(#[case] config: &str, #[case] is_in_variable: bool) {
    let project = project("# nothing\n");
    project.main().without("RUSTC").cargo(&["build"]).ok();
    let linked = project.linked("linked").without("RUSTC");
    linked.write(CONFIG, config);
    linked.write(
        "tools/rustc",
        &format!("#!/bin/sh\nexec {} \"$@\"\n", real_rustc().display()),
    );
    let compiler = linked.path("tools/rustc");
    fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)).unwrap();
    let linked = if is_in_variable {
        linked.with("CARGO_BUILD_RUSTC", compiler.to_str().unwrap())
    } else {
        linked
    };
    let said = sccfg(&linked, &["seed"]);
    said.stderr_has("it was compiled with another compiler");
    assert!(!linked.path("target").exists());
}
