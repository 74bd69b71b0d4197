//! What cargo's configuration says of variables and of the compiler counts for a worktree that is seeded from a shell,
//! where cargo has not set anything.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rstest::rstest;

use super::project::{Checkout, Layout, Project, real_rustc};
use super::seed::{sccfg, seed};
use crate::support::Sandbox;

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
fn a_relative_value_belongs_to_this_checkout() {
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

/// A script that does not declare the variable that it reads.
const SILENT_SCRIPT: &str = r#"
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let greeting = std::env::var("GREETING").unwrap_or("nothing".to_owned());
    println!("cargo::rustc-env=SCRIPT_SAYS={greeting}");
}
"#;

/// The configuration of the worktree, and that above it.
const HERE: &str = "linked/.cargo/config.toml";
const ABOVE: &str = ".cargo/config.toml";

/// Builds without configuration, in a shell with this variable, and adds a worktree in a directory with these files.
fn configured_elsewhere(files: &[(&str, &str)], shell: &str, check: impl FnOnce(&Checkout<'_>)) {
    let app = "fn main() { println!(\"{}\", env!(\"SCRIPT_SAYS\")); }\n";
    let sources = [("src/main.rs", app), ("build.rs", SILENT_SCRIPT)];
    let project = Project::new().with_store();
    let project = project.package("app", "", &sources).committed();
    let main = project.main().with("GREETING", shell);
    main.cargo(&["build"]).ok();
    let linked = project.linked("above/linked").with("GREETING", shell);
    for (file, text) in files {
        project.sandbox.write(&format!("above/{file}"), text);
    }
    check(&linked);
}

/// cargo merges the tables of files, and those of variables in them.
#[rstest]
#[case::the_flag_of_another_file(
    &[
        (ABOVE, "[env]\nGREETING = { value = \"parent\", force = true }\n"),
        (HERE, "[env]\nGREETING = { value = \"child\" }\n"),
    ],
    "shell",
    "child"
)]
#[case::the_value_of_another_file(
    &[
        (ABOVE, "[env.GREETING]\nvalue = \"parent\"\n"),
        (HERE, "[env]\nGREETING = { force = true }\n[env.MORE]\nvalue = \"x\"\n"),
    ],
    "shell",
    "parent"
)]
#[case::relative_to_the_nearest_file(
    &[
        (ABOVE, "[env]\nGREETING = { value = \"parent\", relative = true }\n"),
        (HERE, "[env]\nGREETING = { value = \"child\", force = true }\n"),
    ],
    "child",
    "{linked}/child"
)]
#[case::of_included_files(
    &[
        (HERE, "include = [\"a.toml\", { path = \"b.toml\" }]\n"),
        ("linked/.cargo/a.toml", "[env]\nGREETING = { value = \"a\", force = true }\n"),
        ("linked/.cargo/b.toml", "[env]\nGREETING = { value = \"b\" }\n"),
    ],
    "a",
    "b"
)]
#[case::an_included_file_that_may_be_missing(
    &[(HERE, "include = [{ path = \"missing.toml\", optional = true }]\n")],
    "shell",
    "shell"
)]
#[requires(sccache)]
fn tables_of_variables_are_merged(
    #[case] files: &[(&str, &str)],
    #[case] shell: &str,
    #[case] says: &str,
) {
    configured_elsewhere(files, shell, |linked| {
        seed(linked);
        linked.uncached(&["build"]).ok();
        let says = says.replace("{linked}", linked.text());
        assert_eq!(linked.says("app"), format!("{says}\n"));
    });
}

/// cargo 1.96 takes the path to be relative to another file than 1.97 does.
#[rstest]
#[case::of_an_included_file(
    "include = [\"more/a.toml\"]\n[env]\nGREETING = { value = \"b\", relative = true }\n",
    ""
)]
#[case::of_a_nearer_file(
    "[env]\nGREETING = { force = true }\n",
    "[env]\nGREETING = { value = \"b\", relative = true }\n"
)]
#[requires(sccache)]
fn nothing_is_seeded_if_the_version_of_cargo_decides_what_a_path_is_relative_to(
    #[case] here: &str,
    #[case] above: &str,
) {
    let more = "[env]\nGREETING = { value = \"a\", force = true }\n";
    let files = [
        (HERE, here),
        (ABOVE, above),
        ("linked/.cargo/more/a.toml", more),
    ];
    configured_elsewhere(&files, "shell", |linked| {
        let said = sccfg(linked, &["seed"]);
        said.status(1)
            .stderr_has("the value of GREETING in cargo's settings")
            .stderr_has("depends on the version of cargo")
            .stderr_has("hint: set its `value` and `relative` in the same file");
        assert!(!linked.path("target").exists());
        linked.cargo(&["build"]).ok();
        let set = linked.with("CARGO_ENV_GREETING", "set");
        set.clean();
        sccfg(&set, &["seed"]).status(0);
    });
}

/// cargo has a variable for each setting, also for these.
#[rstest]
#[case::for_a_text("\"configured\"")]
#[case::for_a_table("{ value = \"configured\", force = true }")]
#[requires(sccache)]
fn a_setting_in_a_variable_comes_first(#[case] value: &str) {
    let config = format!("[env]\nGREETING = {value}\n");
    configured_elsewhere(&[(HERE, &config)], "configured", |linked| {
        let linked = linked.without("GREETING");
        let linked = linked.with("CARGO_ENV_GREETING", "set");
        seed(&linked);
        linked.uncached(&["build"]).ok();
        assert_eq!(linked.says("app"), "set\n");
    });
}

/// cargo's home may be above the worktree.
#[requires(sccache)]
#[test]
fn a_file_above_the_home_of_cargo_counts_less() {
    let files = [
        ("../.cargo/config.toml", "[env]\nGREETING = \"outer\"\n"),
        (ABOVE, "[env]\nGREETING = \"home\"\n"),
    ];
    configured_elsewhere(&files, "outer", |linked| {
        let home = linked.path("../.cargo").canonicalize().unwrap();
        let linked = linked.without("GREETING");
        let linked = linked.with("CARGO_HOME", home.to_str().unwrap());
        sccfg(&linked, &["seed"]);
        linked.uncached(&["build"]).ok();
        assert_eq!(linked.says("app"), "home\n");
    });
}

/// cargo builds nothing with a configuration that it refuses.
#[rstest]
#[case::a_text_and_a_table(
    "[env]\nGREETING = { value = \"child\" }\n",
    "[env]\nGREETING = \"parent\"\n"
)]
#[case::a_table_and_a_text(
    "[env]\nGREETING = \"child\"\n",
    "[env]\nGREETING = { value = \"parent\" }\n"
)]
#[case::a_table_without_a_value("[env]\nGREETING = { force = true }\n", "")]
#[case::another_key("[alias]\nb = \"build\"\n", "[alias]\nb = [\"build\"]\n")]
#[case::an_inclusion_without_a_list("include = \"more.toml\"\n", "")]
#[case::an_included_file_that_is_missing("include = [\"missing.toml\"]\n", "")]
#[requires(sccache)]
fn nothing_is_seeded_where_cargo_refuses_the_configuration(
    #[case] here: &str,
    #[case] above: &str,
) {
    let more = ("linked/.cargo/more.toml", "");
    let files = [(HERE, here), (ABOVE, above), more];
    configured_elsewhere(&files, "shell", |linked| {
        linked.cargo(&["build"]).fails();
        let said = sccfg(linked, &["seed"]);
        said.status(1)
            .stderr_has("could not read the workspace around");
        assert!(!linked.path("target").exists());
    });
}

#[test]
fn a_directory_without_a_package_is_named() {
    let sandbox = Sandbox::new().file("empty/file", "");
    let ran = sandbox.sccfg(&["-C", "empty", "seed"]).status(1);
    ran.stderr_has("empty or its parents")
        .stderr_has("no Cargo.toml in ")
        .stderr_has("hint: ");
}

#[requires(sccache)]
#[test]
fn what_is_compiled_for_this_processor_is_seeded() {
    let project = project("[build]\nrustflags = [\"-Ctarget-cpu=native\"]\n");
    let linked = seeded(&project, |_| {});
    linked.uncached(&["build"]).ok().nothing_to_do();
}
