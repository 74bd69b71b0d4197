//! Units that may contain the name of generated source anywhere are compiled with real paths. After an edit, they are so at once.

use indoc::indoc;
use rstest::rstest;

use super::command::said;
use super::project::{Checkout, Project, Store};

/// A build script that writes a function which panics, or does not.
const SCRIPT: &str = indoc! {r#"
    use std::{env, fs};
    fn main() {
        println!("cargo::rerun-if-changed=build.rs");
        println!("cargo::rerun-if-changed=body");
        let out = env::var("OUT_DIR").unwrap();
        let body = fs::read_to_string("body").unwrap();
        fs::write(format!("{out}/g.rs"), format!("pub fn g(n: &[u8], nth: usize) -> u8 {{ {body} }}")).unwrap();
    }
"#};
const LIBRARY: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\npub const EDIT: u8 = 0;\n";
const MAIN: &str = indoc! {r#"
    fn main() {
        std::panic::set_hook(Box::new(|info| println!("{}", info.location().unwrap())));
        let nth = 20 + std::env::args().count();
        println!("{} {:?}", made::EDIT, std::panic::catch_unwind(|| made::g(&[1, 2], nth)).ok());
    }
"#};
const PANICS: &str = "n[nth]";
/// The name may be anywhere in the code.
const NAMES: &str = "println!(\"{}\", file!()); n[nth]";
/// The length of the path is a value in the library.
const MEASURES: &str = "const LENGTH: usize = file!().len(); println!(\"{LENGTH}\"); n[nth]";
const PANICS_NOT: &str = "n.get(nth).copied().unwrap_or(7)";

/// A library with generated source, and a program that uses it.
fn project(store: Store, body: &str) -> Project {
    let files = [
        ("build.rs", SCRIPT),
        ("src/lib.rs", LIBRARY),
        ("body", body),
    ];
    let uses = "[dependencies]\nmade = { path = \"../made\" }\n";
    Project::new()
        .with(store)
        .package("made", "", &files)
        .package("app", uses, &[("src/main.rs", MAIN)])
        .committed()
}

/// Changes the library, builds, and returns how often rustc compiled something.
fn compiles_after_edit(project: &Project, checkout: &Checkout<'_>, edit: u8) -> usize {
    let text = LIBRARY.replace("u8 = 0", &format!("u8 = {edit}"));
    checkout.write("crates/made/src/lib.rs", &text);
    project.forget_compiles();
    let built = checkout.cargo_command(&["build"]).output().unwrap();
    assert!(built.status.success(), "{built:?}");
    project.take_number_of_compiles()
}

/// What the program says with and without the cache. The name of the other target directory is as long.
#[track_caller]
fn says_the_same_uncached(checkout: &Checkout<'_>) -> String {
    let cached = checkout.says("app");
    let judge = checkout.with("CARGO_TARGET_DIR", "judged");
    judge.uncached(&["build"]).ok();
    let said = judge.says_of(&checkout.path("judged/debug/app"), &[]);
    assert_eq!(cached.replace("/target/", "/judged/"), said);
    cached
}

#[rstest]
#[requires(sccache)]
fn an_edit_compiles_the_unit_once(
    #[values(Store::On, Store::Off)] store: Store,
    #[values(PANICS, NAMES, MEASURES)] body: &str,
) {
    let project = project(store, body);
    let main = project.main();
    main.cargo(&["build"]).ok();
    // The library and the program.
    for edit in 1..4 {
        assert_eq!(compiles_after_edit(&project, &main, edit), 2, "{edit}");
    }
    let said = says_the_same_uncached(&main);
    assert!(said.contains("/out/g.rs:1:"), "{said}");
    assert!(said.contains("3 None"), "{said}");
    // In another worktree, the location is of that worktree.
    let second = project.linked("second");
    compiles_after_edit(&project, &second, 3);
    let said = says_the_same_uncached(&second);
    assert!(said.contains(second.text()), "{said}");
}

/// The first edit after the generated source has no location any more still compiles with real paths, and the next ones are
/// shared.
#[rstest]
#[requires(sccache)]
fn a_unit_without_the_location_is_shared_again(#[values(Store::On, Store::Off)] store: Store) {
    let project = project(store, NAMES);
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.write("crates/made/body", PANICS_NOT);
    main.cargo(&["build"]).ok();
    let why = said(&main, &["explain", "made"]);
    assert!(why.contains("the next compile may be shared"), "{why}");
    assert_eq!(compiles_after_edit(&project, &main, 1), 2);
    let why = said(&main, &["explain", "made"]);
    assert!(why.contains("shared between all checkouts"), "{why}");
    let second = project.linked("second");
    second.write("crates/made/body", PANICS_NOT);
    let shared = LIBRARY.replace("u8 = 0", "u8 = 1");
    second.write("crates/made/src/lib.rs", &shared);
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(says_the_same_uncached(&second), "1 Some(7)\n");
}

/// Where the first build says that there is no location any more, the entry that was expected does not stay.
#[requires(sccache)]
#[test]
fn another_worktree_shares_what_was_expected_to_leak() {
    let project = project(Store::On, NAMES);
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.write("crates/made/body", PANICS_NOT);
    main.cargo(&["build"]).ok();
    let [second, third] = ["second", "third"].map(|place| project.linked(place));
    for checkout in [&second, &third] {
        checkout.write("crates/made/body", PANICS_NOT);
    }
    second.cargo(&["build"]).ok();
    third.cargo(&["build"]).ok().all_hit();
    assert_eq!(says_the_same_uncached(&third), "0 Some(7)\n");
}
