//! What cargo takes to be up to date in a checkout whose results came from another one.

use std::path::{Path, PathBuf};

use super::environment::{MACROS, PROC_MACRO};
use super::project::{Checkout, Project};
use indoc::indoc;

const LOW: &str = indoc! {r#"
    mod part;
    pub fn f() -> u32 { part::p() }
    pub fn g<T: Default>() -> T { T::default() }
    pub const TEXT: &str = include_str!("../../../shared/text.txt");
"#};

/// A library with a module and a text from elsewhere, and a program above it.
fn project() -> Project {
    let main = "fn main() { println!(\"{} {} {}\", low::f(), low::g::<u8>(), low::TEXT); }\n";

    Project::new()
        .package(
            "low",
            "",
            &[
                ("src/lib.rs", LOW),
                ("src/part.rs", "pub fn p() -> u32 { 1 }\n"),
            ],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", main)],
        )
        .file("shared/text.txt", "text")
}

/// All files below a directory with this ending.
fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        // What build scripts make is theirs.
        if path.is_dir() && !path.ends_with("out") {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

/// Makes a file newer without changing it.
fn touch(checkout: &Checkout<'_>, file: &str) {
    checkout.write(file, &checkout.read(file));
}

#[requires(sccache)]
#[test]
fn a_second_build_does_nothing_and_a_touch_rebuilds() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    second.cargo(&["build"]).ok().nothing_to_do();
    for file in [
        "crates/low/src/lib.rs",
        "crates/low/src/part.rs",
        "shared/text.txt",
    ] {
        // What happens in the other checkout is nobody's business here.
        touch(&main, file);
        second.cargo(&["build"]).ok().nothing_to_do();
        touch(&second, file);
        second.cargo(&["build"]).ok().rebuilt("low");
        second.cargo(&["build"]).ok().nothing_to_do();
    }
    main.cargo(&["build"]).ok().rebuilt("low");
}

#[requires(sccache)]
#[test]
fn an_edit_is_seen_and_nothing_else_is() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    second.edit("crates/low/src/part.rs", "{ 1 }", "{ 2 }");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "2 0 text\n");
    second.write("shared/text.txt", "other");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "2 0 other\n");
    // Back again: from the cache.
    second.edit("crates/low/src/part.rs", "{ 2 }", "{ 1 }");
    second.write("shared/text.txt", "text");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(second.says("app"), "1 0 text\n");
    // The other one, with the edit, from the cache as well.
    main.edit("crates/low/src/part.rs", "{ 1 }", "{ 2 }");
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "2 0 text\n");
}

/// In a library that is shared, the program's own copy of a generic is compiled again.
#[requires(sccache)]
#[test]
fn an_edit_of_a_private_body_reaches_the_program() {
    let project = project().committed();
    project.main().cargo(&["build", "--release"]).ok();
    let second = project.linked("second");
    second.edit("crates/low/src/part.rs", "{ 1 }", "{ 40 + 2 }");
    second.cargo(&["build", "--release"]).ok();
    let program = second.path("target/release/app");
    assert_eq!(second.says_of(&program, &[]), "42 0 text\n");
    let third = project.linked("third");
    third.cargo(&["build", "--release"]).ok().all_hit();
    let program = third.path("target/release/app");
    assert_eq!(third.says_of(&program, &[]), "1 0 text\n");
}

#[requires(sccache)]
#[test]
fn no_file_of_cargo_names_the_other_checkout() {
    let project = Project::matrix();
    let main = project.main();
    let all = ["build", "--workspace", "--all-targets"];
    main.cargo(&all).ok();
    let second = project.linked("second");
    second.cargo(&all).ok();
    let deps = files(&second.path("target"), ".d");
    assert!(deps.len() > 10, "{deps:?}");
    for file in deps {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(main.text()), "{}: {text}", file.display());
        let rules = text.lines().filter(|line| !line.starts_with('#'));
        for (target, sources) in rules.filter_map(|line| line.split_once(':')) {
            for path in sources.split_whitespace().chain([target]) {
                let path = second.path(path);
                assert!(path.exists(), "no {} of {}", path.display(), file.display());
            }
        }
    }
    // Without a cache they are the same.
    let texts = || -> Vec<(PathBuf, String)> {
        let mut all: Vec<_> = files(&second.path("target"), ".d")
            .into_iter()
            .map(|file| {
                let text = std::fs::read_to_string(&file).unwrap();
                (file, text)
            })
            .collect();
        all.sort();
        all
    };
    let cached = texts();
    second.clean();
    second.uncached(&all).ok();
    let wrong: Vec<_> = cached
        .iter()
        .zip(&texts())
        .filter(|(ours, theirs)| sorted(&ours.1) != sorted(&theirs.1))
        .map(|(ours, theirs)| format!("{}:\n{}\n---\n{}", ours.0.display(), ours.1, theirs.1))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a dep-info, in any order.
fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<_> = text.split_whitespace().collect();
    words.sort_unstable();
    words
}

#[requires(sccache)]
#[test]
fn the_other_checkout_may_be_removed() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let third = project.linked("third");
    second.cargo(&["build"]).ok();
    std::fs::remove_dir_all(second.directory.clone()).unwrap();
    third.cargo(&["build"]).ok().all_hit();
    third.cargo(&["build"]).ok().nothing_to_do();
    project.replace_server();
    third.clean();
    third.cargo(&["build"]).ok().all_hit();
    assert_eq!(third.says("app"), "1 0 text\n");
}

#[requires(sccache)]
#[test]
fn modules_may_be_moved_and_removed() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    // part.rs becomes part/mod.rs, with other content.
    second.remove("crates/low/src/part.rs");
    second.write("crates/low/src/part/mod.rs", "pub fn p() -> u32 { 3 }\n");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "3 0 text\n");
    // Both at once are an error.
    second.write("crates/low/src/part.rs", "pub fn p() -> u32 { 4 }\n");
    touch(&second, "crates/low/src/lib.rs");
    second.cargo(&["build"]).fails().stderr_has("E0761");
    std::fs::remove_dir_all(second.path("crates/low/src/part")).unwrap();
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "4 0 text\n");
    // None is an error, too, though the cache knows a result.
    let third = project.linked("third");
    third.remove("crates/low/src/part.rs");
    third.cargo(&["build"]).fails().stderr_has("E0583");
    third.write("crates/low/src/part.rs", "pub fn p() -> u32 { 1 }\n");
    third.cargo(&["build"]).ok();
    assert_eq!(third.says("app"), "1 0 text\n");
    // A module that was there before from the first, as part/mod.rs with the same content.
    let fourth = project.linked("fourth");
    fourth.remove("crates/low/src/part.rs");
    fourth.write(
        "crates/low/src/part/mod.rs",
        "pub fn p() -> u32 { file!().len() as u32 }\n",
    );
    fourth.cargo(&["build"]).ok();
    let length = "crates/low/src/part/mod.rs".len();
    assert_eq!(fourth.says("app"), format!("{length} 0 text\n"));
}

#[requires(sccache)]
#[test]
fn a_changed_macro_is_expanded_again() {
    let project = Project::new();
    let project = project
        .package("mac", PROC_MACRO, &[("src/lib.rs", MACROS)])
        .package(
            "app",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", mac::variable!(\"CARGO_PKG_NAME\")); }\n",
            )],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.edit(
        "crates/mac/src/lib.rs",
        "text(&std::env::var(unquoted(input))",
        "text(&std::env::var(unquoted(input)).map(|it| it + \"!\")",
    );
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "app!\n");
    let third = project.linked("third");
    third.cargo(&["build"]).ok().all_hit();
    assert_eq!(third.says("app"), "app\n");
}

#[requires(sccache)]
#[test]
fn check_and_build_do_not_affect_each_other() {
    let project = project().committed();
    let main = project.main();
    for command in ["check", "build", "test", "bench"] {
        main.cargo(&[command]).ok();
    }
    let second = project.linked("second");
    for command in ["check", "build", "test", "bench"] {
        second.cargo(&[command]).ok().all_hit();
        second.cargo(&[command]).ok().nothing_to_do();
    }
    assert_eq!(second.says("app"), "1 0 text\n");
}
