//! Build scripts and macros that read files of a toolchain, or ask which toolchains there are.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rstest::rstest;

use super::build_scripts::take_runs;
use super::command::said;
use super::macro_workspace::{Macro, differing, plain, texts, workspace};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project, copy, host, real_rustc, rustup_home};
use super::seed::seed;
use super::toolchains::two;
use super::workspace_scripts::app;

const COMPONENTS: &str = "lib/rustlib/components";
const OTHER_TARGET: &str = "lib/rustlib/wasm32-unknown-unknown/lib";

/// The main checkout with a toolchain that is a copy, in the directory which is returned.
fn with_toolchain(project: &Project) -> (Checkout<'_>, PathBuf) {
    let home = project.sandbox.path("rustup");
    let (rustc, toolchain) = (real_rustc(), home.join("toolchains/copied"));
    let real = rustc.ancestors().nth(2).unwrap();
    let is_library = |name: &String| name.contains(".so");
    let names = fs::read_dir(real.join("lib")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let libraries = names.filter(is_library).map(|name| format!("lib/{name}"));
    let standard = format!("lib/rustlib/{}", host());
    let others = ["bin/cargo".to_owned(), "bin/rustc".to_owned(), standard];
    for part in libraries.chain(others) {
        copy(&real.join(&part), &toolchain.join(&part));
    }
    fs::copy(
        rustup_home().join("settings.toml"),
        home.join("settings.toml"),
    )
    .unwrap();
    fs::write(toolchain.join(COMPONENTS), "rustc\n").unwrap();
    let main = using(&project.main(), &toolchain);
    (main, toolchain)
}

/// The checkout with the compiler of this toolchain of rustup's.
fn using<'p>(checkout: &Checkout<'p>, toolchain: &Path) -> Checkout<'p> {
    let home = toolchain.ancestors().nth(2).unwrap();
    checkout
        // `cargo test` sets it. The compiler would take the directory of these libraries for its own.
        .without("LD_LIBRARY_PATH")
        .with("RUSTUP_HOME", home.to_str().unwrap())
        .with("RUSTUP_TOOLCHAIN", "copied")
        .with("RUSTC", toolchain.join("bin/rustc").to_str().unwrap())
}

/// What `rustup target add` and `rustup component add` do.
fn add_component(toolchain: &Path) {
    fs::create_dir_all(toolchain.join(OTHER_TARGET)).unwrap();
    fs::write(toolchain.join(COMPONENTS), "rustc\nrust-std\n").unwrap();
}

#[rstest]
#[case::looked_for("PATH.join(\"lib/rustlib/wasm32-unknown-unknown/lib\").exists().to_string()")]
#[case::read("fs::read_to_string(PATH.join(\"lib/rustlib/components\")).unwrap()")]
#[case::listed("fs::read_dir(PATH.join(\"lib/rustlib\")).unwrap().count().to_string()")]
#[requires(sccache, rustup)]
fn what_a_script_reads_in_the_toolchain_counts(#[case] value: &str) {
    let value = value.replace(
        "PATH",
        "std::path::Path::new(&env::var(\"RUSTC\").unwrap()).ancestors().nth(2).unwrap()",
    );
    let project = app(&value);
    let (main, toolchain) = with_toolchain(&project);
    main.cargo(&["build"]).ok();
    add_component(&toolchain);
    main.clean();
    main.cargo(&["build"]).ok();
    says_the_same_uncached(&main);
}

#[requires(sccache, rustup)]
#[test]
fn what_a_macro_reads_in_the_toolchain_counts() {
    const CASES: &[Macro] = &[
        plain(
            "whether a target is installed",
            "fn value() -> String { std::path::Path::new(&std::env::var(\"RUSTC\").unwrap()).ancestors().nth(2).unwrap().join(\"lib/rustlib/wasm32-unknown-unknown/lib\").exists().to_string() }",
        ),
        plain(
            "which components are installed",
            "fn value() -> String { std::fs::read_to_string(std::path::Path::new(&std::env::var(\"RUSTC\").unwrap()).ancestors().nth(2).unwrap().join(\"lib/rustlib/components\")).unwrap().lines().count().to_string() }",
        ),
    ];
    let project = workspace(CASES, "", "").committed();
    let (main, toolchain) = with_toolchain(&project);
    texts(&main);
    add_component(&toolchain);
    main.clean();
    let cached = texts(&main);
    main.clean();
    let wrong = differing(&cached, &main, CASES);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Debug information has the path of the standard library's sources if they are installed.
#[rstest]
#[case::installed(true)]
#[case::removed(false)]
#[requires(sccache, rustup)]
fn a_worktree_is_seeded_only_with_the_sources_of_the_standard_library_as_they_were(
    #[case] is_installed: bool,
) {
    let project = app("String::new()");
    let (main, toolchain) = with_toolchain(&project);
    let sources = toolchain.join("lib/rustlib/src/rust");
    let install = || {
        let file = sources.join("library/std/src/lib.rs");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    };
    if !is_installed {
        install();
    }
    main.cargo(&["build"]).ok();
    let same = using(&project.linked("same"), &toolchain);
    seed(&same);
    same.cargo(&["build"]).ok().nothing_to_do();
    if is_installed {
        install();
    } else {
        fs::remove_dir_all(&sources).unwrap();
    }
    let other = using(&project.linked("other"), &toolchain);
    seed(&other).stderr_has("it was compiled when rust-src was");
    assert!(!other.path("target").exists());
    main.edit("crates/app/src/main.rs", "fn main", "// Edited.\nfn main");
    main.cargo(&["build"]).ok();
    let why = if is_installed { "added" } else { "removed" };
    let why = format!("  why: the component rust-src was {why}\n");
    let app = said(&main, &["explain", "app"]);
    assert!(app.contains(&why), "{app}");
}

/// A directory of rustup's with links to the toolchains of this machine.
fn rustup_in(project: &Project) -> PathBuf {
    let (real, home) = (rustup_home(), project.sandbox.path("rustup"));
    fs::create_dir_all(home.join("toolchains")).unwrap();
    fs::copy(real.join("settings.toml"), home.join("settings.toml")).unwrap();
    for entry in fs::read_dir(real.join("toolchains")).unwrap() {
        let entry = entry.unwrap();
        symlink(
            entry.path(),
            home.join("toolchains").join(entry.file_name()),
        )
        .unwrap();
    }
    home
}

#[rstest]
#[case::by_rustup(
    "String::from_utf8(std::process::Command::new(\"rustup\").args([\"toolchain\", \"list\"]).output().unwrap().stdout).unwrap()"
)]
#[case::by_itself(
    "fs::read_dir(env::var(\"RUSTUP_HOME\").unwrap() + \"/toolchains\").unwrap().count().to_string()"
)]
#[requires(sccache, rustup)]
fn which_toolchains_there_are_counts(#[case] value: &str) {
    let project = app(value);
    let home = rustup_in(&project);
    let main = project.main().with("RUSTUP_HOME", home.to_str().unwrap());
    main.cargo(&["build"]).ok();
    let toolchain = real_rustc();
    let toolchain = toolchain.ancestors().nth(2).unwrap();
    symlink(toolchain, home.join("toolchains/another")).unwrap();
    main.clean();
    main.cargo(&["build"]).ok();
    says_the_same_uncached(&main);
}

#[requires(sccache, rustup, second_toolchain)]
#[test]
fn the_version_of_another_toolchain_counts() {
    let project = app(
        "String::from_utf8(std::process::Command::new(\"rustup\").args([\"run\", \"another\", \"rustc\", \"-V\"]).output().unwrap().stdout).unwrap()",
    );
    let home = rustup_in(&project);
    let another = home.join("toolchains/another");
    let lead = |rustc: &Path| {
        let _ = fs::remove_file(&another);
        symlink(rustc.ancestors().nth(2).unwrap(), &another).unwrap();
    };
    let [first, second] = two().map(|(rustc, _)| rustc);
    let main = project.main().with("RUSTUP_HOME", home.to_str().unwrap());
    lead(&first);
    main.cargo(&["build"]).ok();
    lead(&second);
    main.clean();
    main.cargo(&["build"]).ok();
    says_the_same_uncached(&main);
}

/// The checkout with this directory of rustup's, and the compiler itself: the one that logs is a script, which may do anything.
fn directly<'p>(checkout: &Checkout<'p>, home: &Path) -> Checkout<'p> {
    checkout
        .with("RUSTUP_HOME", home.to_str().unwrap())
        .with("RUSTC", real_rustc().to_str().unwrap())
}

/// What the compiler and rustup read for themselves is in the key as the compiler.
#[rstest]
#[case::version("RUSTC", "\"-vV\"")]
#[case::settings("RUSTC", "\"--print\", \"cfg\"")]
#[case::compiled(
    "RUSTC",
    "\"--emit=metadata\", \"--crate-type=lib\", \"--out-dir\", &out, \"probe.rs\""
)]
#[case::through_rustup("rustc", "\"-vV\"")]
#[requires(sccache, rustup)]
fn a_compiler_that_a_script_runs_does_not_count(#[case] program: &str, #[case] words: &str) {
    let program = match program {
        "RUSTC" => "env::var(\"RUSTC\").unwrap()",
        _ => "\"rustc\"",
    };
    let value = format!(
        "std::process::Command::new({program}).args([{words}]).status().unwrap().success().to_string()"
    );
    let project = app(&value);
    fs::write(
        project.sandbox.path("main/crates/app/probe.rs"),
        "fn main() {}\n",
    )
    .unwrap();
    project.commit(&project.sandbox.path("main"));
    let home = rustup_in(&project);
    let rustc = real_rustc();
    let main = directly(&project.main(), &home);
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "true\n");
    assert_eq!(take_runs(&project), 1);
    symlink(
        rustc.ancestors().nth(2).unwrap(),
        home.join("toolchains/another"),
    )
    .unwrap();
    main.clean();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    says_the_same_uncached(&main);
}
