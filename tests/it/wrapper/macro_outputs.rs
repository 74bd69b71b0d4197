//! Copies of files that the macros of `tauri-codegen` write to the `OUT_DIR` of the unit that uses them, to include them.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use indoc::indoc;
use rstest::rstest;

use super::environment::PROC_MACRO;
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Layout, Project};
use super::registry::{package, publish, with_home};
use super::seed::seed;
use crate::support::files_below;

/// A macro that includes a copy of a file, as `tauri::generate_context!` does: the name of the copy is a digest of the content.
const EMBEDS: &str = indoc! {r#"
    use std::{env, fs, path::{Path, PathBuf}, time::{Duration, SystemTime}};
    #[proc_macro] pub fn embed(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
        let file = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join(input.to_string().trim_matches('"'));
        let text = fs::read_to_string(&file).unwrap();
        let made = PathBuf::from(env::var("OUT_DIR").unwrap()).canonicalize().unwrap().join("assets");
        fs::create_dir_all(&made).unwrap();
        let sum = text.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        let made = made.join(format!("{sum:064x}.txt"));
        if !made.exists() {
            fs::write(&made, text.to_uppercase()).unwrap();
            let old = SystemTime::UNIX_EPOCH + Duration::from_secs(946_684_800);
            fs::File::options().write(true).open(&made).unwrap().set_modified(old).unwrap();
        }
        format!("{{ const _: &str = include_str!({file:?}); include_str!({made:?}) }}").parse().unwrap()
    }
"#};
const EMBEDDED: &str = "fn main() { print!(\"{}\", tauri_codegen::embed!(\"data\")); }\n";

/// A program with this source, which uses these macros of a registry, with a file of data.
fn project(macros: &str, main: &str) -> Project {
    project_with("tauri-codegen", macros, main)
}

/// The same with macros of the package `name`.
fn project_with(name: &str, macros: &str, main: &str) -> Project {
    let project = Project::new().with_store();
    package(&project, name, PROC_MACRO, &[("src/lib.rs", macros)]);
    publish(&project, &[name]);
    let files = [
        ("src/main.rs", main),
        (
            "build.rs",
            "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n",
        ),
        ("data", "one\n"),
    ];
    project.package(
        "app",
        &format!("[dependencies]\n{name} = \"0.1\"\n"),
        &files,
    )
}

/// The files that the macro has written in this checkout.
fn made_in(checkout: &Checkout<'_>) -> Vec<PathBuf> {
    let files = files_below(&checkout.path("target/debug"));
    let is_made = |file: &PathBuf| file.parent().is_some_and(|it| it.ends_with("assets"));
    files.into_iter().filter(is_made).collect()
}

#[rstest]
#[requires(sccache)]
fn what_a_macro_includes_is_shared_and_is_there(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = project(EMBEDS, EMBEDDED).with_layout(layout).committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "ONE\n");
    for place in ["second", "a/deeper/worktree"] {
        let linked = with_home(&project, &project.linked(place), "cargo-home");
        linked.cargo(&["build"]).ok().all_hit();
        assert_eq!(linked.says("app"), "ONE\n");
        linked.cargo(&["build"]).ok().nothing_to_do();
        let made = made_in(&linked);
        assert_eq!(made.len(), 1);
        assert_eq!(fs::read_to_string(&made[0]).unwrap(), "ONE\n");
        let time = fs::metadata(&made[0]).unwrap().modified().unwrap();
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(seconds, Duration::from_secs(946_684_800));
        // The program does not contain the path of another checkout.
        says_the_same_uncached(&linked);
    }
}

#[requires(sccache)]
#[test]
fn a_changed_file_is_included_again() {
    let project = project(EMBEDS, EMBEDDED).committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let linked = with_home(&project, &project.linked("second"), "cargo-home");
    linked.write("crates/app/data", "two\n");
    linked.cargo(&["build"]).ok();
    assert_eq!(linked.says("app"), "TWO\n");
    linked.write("crates/app/data", "one\n");
    linked.cargo(&["build"]).ok().all_hit();
    assert_eq!(says_the_same_uncached(&linked), "ONE\n");
}

/// cargo then compiles the unit again, and so the macro writes the file again.
#[requires(sccache)]
#[test]
fn a_removed_file_is_there_again_after_the_next_build() {
    let project = project(EMBEDS, EMBEDDED).committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    for made in made_in(&main) {
        fs::remove_file(made).unwrap();
    }
    main.cargo(&["build"]).ok().rebuilt("app");
    assert_eq!(made_in(&main).len(), 1);
    main.cargo(&["build"]).ok().nothing_to_do();
}

/// Another program changed it: the macro finds it, and includes it as it is.
#[requires(sccache)]
#[test]
fn a_file_with_another_content_counts() {
    let project = project(EMBEDS, EMBEDDED).committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    fs::write(&made_in(&main)[0], "changed\n").unwrap();
    main.cargo(&["build"]).ok().rebuilt("app");
    assert_eq!(main.says("app"), "changed\n");
    let linked = with_home(&project, &project.linked("second"), "cargo-home");
    linked.cargo(&["build"]).ok().all_hit();
    assert_eq!(says_the_same_uncached(&linked), "ONE\n");
}

/// The run of the build script is not seeded, because its `OUT_DIR` has other files now.
#[requires(sccache)]
#[test]
fn a_seeded_worktree_has_what_a_macro_includes() {
    let project = project(EMBEDS, EMBEDDED).committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let linked = with_home(&project, &project.linked("a/deeper/worktree"), "cargo-home");
    seed(&linked);
    linked.cargo(&["build"]).ok().all_hit();
    linked.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(made_in(&linked).len(), 1);
    assert_eq!(says_the_same_uncached(&linked), "ONE\n");
}

/// The files of the first state stay in the directory.
#[requires(sccache)]
#[test]
fn files_of_an_earlier_state_do_not_count() {
    let project = project(EMBEDS, EMBEDDED).committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    main.write("crates/app/data", "two\n");
    main.cargo(&["build"]).ok();
    assert_eq!(made_in(&main).len(), 2);
    let linked = with_home(&project, &project.linked("second"), "cargo-home");
    linked.write("crates/app/data", "two\n");
    linked.cargo(&["build"]).ok().all_hit();
    assert_eq!(made_in(&linked).len(), 1);
    assert_eq!(says_the_same_uncached(&linked), "TWO\n");
}

/// In the first build, the macro writes the copy, and then it finds it. Programs, libraries and tests of a package share them.
#[requires(sccache)]
#[test]
fn the_same_units_hit_whether_the_copies_were_there_or_not() {
    // At the same time, two compilers may write the same copy, without a cache as well.
    const BUILD: [&str; 2] = ["build", "-j1"];
    const TEST: [&str; 2] = ["test", "-j1"];
    let lib = "pub fn embedded() -> &'static str { tauri_codegen::embed!(\"data\") }\n#[test] fn has_it() { assert_eq!(embedded(), \"ONE\\n\"); }\n";
    let project = project(EMBEDS, EMBEDDED)
        .file("crates/app/src/lib.rs", lib)
        .file("crates/app/src/bin/other.rs", EMBEDDED)
        .committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&BUILD).ok();
    for source in ["main.rs", "lib.rs", "bin/other.rs"] {
        main.append(&format!("crates/app/src/{source}"), "// edited\n");
    }
    main.cargo(&BUILD)
        .ok()
        .compiled(&["app bin", "app lib", "other bin"]);
    main.cargo(&TEST).ok();
    main.clean();
    main.cargo(&TEST).ok().all_hit();
    let linked = with_home(&project, &project.linked("a/deeper/worktree"), "cargo-home");
    for source in ["main.rs", "lib.rs", "bin/other.rs"] {
        linked.append(&format!("crates/app/src/{source}"), "// edited\n");
    }
    linked.cargo(&BUILD).ok().all_hit();
    linked.cargo(&TEST).ok().all_hit();
    linked.cargo(&TEST).ok().nothing_to_do();
}

/// Other packages are not reviewed.
#[requires(sccache)]
#[test]
fn copies_of_other_macros_are_written_each_time() {
    let main = EMBEDDED.replace("tauri_codegen", "embedcrate");
    let project = project_with("embedcrate", EMBEDS, &main).committed();
    for place in ["second", "third"] {
        let linked = with_home(&project, &project.linked(place), "cargo-home");
        linked.cargo(&["build"]).ok();
        assert_eq!(made_in(&linked).len(), 1);
        linked.clean();
        linked.cargo(&["build"]).ok().compiled(&["app bin"]);
        assert_eq!(linked.says("app"), "ONE\n");
    }
}

/// The target directory is behind a link, and the macro asks for the canonical path.
#[requires(sccache)]
#[test]
fn the_target_directory_may_be_a_link() {
    let project = project(EMBEDS, EMBEDDED).committed();
    for place in ["second", "third"] {
        let linked = with_home(&project, &project.linked(place), "cargo-home");
        let real = project.sandbox.path(&format!("targets/{place}"));
        fs::create_dir_all(&real).unwrap();
        std::os::unix::fs::symlink(&real, linked.path("target")).unwrap();
        let built = linked.cargo(&["build"]).ok();
        if place == "third" {
            built.all_hit();
        }
        assert_eq!(linked.says("app"), "ONE\n");
    }
}

const MAIN: &str = "fn main() { print!(\"{}\", tauri_codegen::it!()); }\n";

/// Files that are no such copies.
#[rstest]
#[requires(sccache)]
#[case::counts(
    r#"let file = out.join("count"); let count = fs::read_to_string(&file).map_or(0, |it| it.len()) + 1; fs::write(&file, "x".repeat(count)).unwrap(); count.to_string()"#
)]
#[case::appends(
    r#"let file = out.join("log"); fs::File::options().append(true).create(true).open(&file).unwrap().write_all(b"x").unwrap(); format!("include_str!({file:?}).len()")"#
)]
#[case::elsewhere(
    r#"let file = out.parent().unwrap().join("other"); fs::write(&file, "text").unwrap(); format!("include_str!({file:?}).len()")"#
)]
#[case::removes(
    r#"let file = out.join("old"); fs::write(&file, "text").unwrap(); fs::remove_file(&file).unwrap(); "4".to_owned()"#
)]
fn a_unit_with_other_effects_is_compiled_each_time(#[case] effect: &str) {
    let macros = format!(
        "use std::{{env, fs, io::Write as _, path::PathBuf}};\n\
         #[proc_macro] pub fn it(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{ let out = PathBuf::from(env::var(\"OUT_DIR\").unwrap()); let text = {{ {effect} }}; let _ = std::io::sink().flush(); text.parse().unwrap() }}\n"
    );
    let project = project(&macros, MAIN).committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let linked = with_home(&project, &project.linked("second"), "cargo-home");
    linked.cargo(&["build"]).ok().compiled(&["app bin"]);
}
