//! What programs say of themselves is what an uncached build in the same place makes them say.

use std::fs;
use std::path::Path;

use rstest::rstest;

use super::project::{Checkout, Layout, Project, Store};
use super::seed::seed;

/// What a checkout's programs print.
fn all_said(checkout: &Checkout<'_>) -> String {
    let test = checkout.cargo(&["test", "--workspace"]).ok();
    let passed: Vec<_> = test
        .ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("test ") && line.contains(" ... "))
        .map(str::to_owned)
        .collect();
    format!(
        "{}{}{}{}",
        checkout.says("matrix"),
        checkout.says("placed"),
        checkout.says("examples/short"),
        passed.join("\n")
    )
}

const ALL: [&str; 3] = ["build", "--workspace", "--all-targets"];

#[rstest]
#[case(Layout::V1, Store::On)]
#[case(Layout::V1, Store::Off)]
#[case(Layout::V2, Store::On)]
#[requires(sccache)]
fn a_second_worktree_gets_all_but_what_contains_its_path(
    #[case] layout: Layout,
    #[case] store: Store,
) {
    let project = Project::matrix_laid_out(layout).with(store);
    project.main().cargo(&ALL).ok().compiled_some();
    let contains_path = [
        "opens lib",
        "opens test",
        "placed bin",
        "placed test",
        "speaks lib",
        "speaks test",
        // Its source names the program that it tests.
        "whole test",
    ];
    let second = project.linked("second");
    second.cargo(&ALL).ok().compiled_at_most(&contains_path);
    second.cargo(&ALL).ok().nothing_to_do();

    // At another depth and with a name of another length. Its programs print what those of an uncached
    // build in the same place print, also those of a seeded build.
    let deeper = project.linked("a/b/c/deeper");
    deeper.cargo(&ALL).ok().compiled_at_most(&contains_path);
    let cached = all_said(&deeper);
    assert!(cached.contains(deeper.path("crates/speaks").to_str().unwrap()));
    deeper.clean();
    deeper.uncached(&ALL).ok();
    assert_eq!(cached, all_said(&deeper.without("RUSTC_WRAPPER")));
    if store == Store::On {
        deeper.clean();
        seed(&deeper);
        deeper.cargo(&ALL).ok();
        assert_eq!(cached, all_said(&deeper));
    }
}

#[requires(sccache)]
#[test]
fn a_variable_that_is_read_while_compiling_makes_another_build() {
    let project = Project::matrix();
    project
        .main()
        .with("MATRIX_FLAVOUR", "sweet")
        .cargo(&ALL)
        .ok();
    let second = project.linked("second");
    second.with("MATRIX_FLAVOUR", "sour").cargo(&ALL).ok();
    let said = second.says("matrix");
    assert!(said.contains("plain flavour: Some(\"sour\")"), "{said}");
    assert!(said.contains("expanded flavour: sour"), "{said}");
    let third = project.linked("third");
    third.cargo(&ALL).ok();
    let said = third.says("matrix");
    assert!(said.contains("plain flavour: None"), "{said}");
    assert!(said.contains("expanded flavour: unset"), "{said}");
}

#[requires(sccache)]
#[test]
fn a_backtrace_leads_to_the_files_of_this_checkout() {
    let project = Project::matrix();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    let program = second.path("target/debug/matrix");
    let mut command = second.command(&program);
    let output = command.arg("frames").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    // The standard library shows files below the current directory as `./…`.
    let files: Vec<_> = said
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert!(files.len() >= 2, "{said}");
    for file in files {
        let found = second.directory.join(file);
        assert!(
            found.is_file(),
            "no {} in the checkout: {said}",
            found.display()
        );
        assert!(!file.contains("/main/"), "{said}");
    }
}

/// What is linked of a reproducible build is the same bytes with and without the wrapper.
#[requires(sccache)]
#[test]
fn artefacts_are_the_same_bytes_as_without_a_cache() {
    let project = Project::new();
    let project = project
        .package("low", "", &[("src/lib.rs", "pub fn f<T: Into<u64>>(x: T) -> u64 { x.into() + 1 }\npub fn g() -> u64 { panic!(\"g\") }\n")])
        .package("high", "[lib]\ncrate-type = [\"rlib\", \"cdylib\", \"staticlib\"]\n[dependencies]\nlow = { path = \"../low\" }\n", &[("src/lib.rs", "#[no_mangle] pub extern \"C\" fn h(x: u32) -> u64 { low::f(x) + low::g() }\n")])
        .package("app", "[dependencies]\nlow = { path = \"../low\" }\n", &[("src/main.rs", "fn main() { println!(\"{}\", low::f(3_u32)); }\n")])
        .file("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n[profile.dev]\ndebug = false\n")
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    // What rustc notes in an rlib of the directory it worked in goes into no program.
    let files = ["libhigh.so", "libhigh.a", "app"];
    let bytes = |checkout: &Checkout<'_>| -> Vec<Vec<u8>> {
        let debug = checkout.path("target/debug");
        files
            .iter()
            .map(|name| fs::read(find(&debug, name)).unwrap())
            .collect()
    };
    let cached = bytes(&second);
    second.clean();
    second.uncached(&["build"]).ok();
    let pairs = cached.iter().zip(bytes(&second));
    let wrong: Vec<_> = files
        .iter()
        .zip(pairs)
        .filter(|(_, (ours, theirs))| *ours != theirs)
        .map(|(name, (ours, theirs))| format!("{name}: {} and {} bytes", ours.len(), theirs.len()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn find(debug: &Path, name: &str) -> std::path::PathBuf {
    let plain = debug.join(name);
    if plain.exists() {
        plain
    } else {
        debug.join("deps").join(name)
    }
}
