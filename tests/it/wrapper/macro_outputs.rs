//! Files that procedural macros write to the `OUT_DIR` of the unit that uses them, to include them.

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

/// A macro that includes a copy of a file, as `tauri::generate_context!` does: the name of the copy depends on the content.
const EMBEDS: &str = indoc! {r#"
    use std::{env, fs, path::{Path, PathBuf}, time::{Duration, SystemTime}};
    #[proc_macro] pub fn embed(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
        let file = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join(input.to_string().trim_matches('"'));
        let text = fs::read_to_string(&file).unwrap();
        let made = PathBuf::from(env::var("OUT_DIR").unwrap()).canonicalize().unwrap().join("assets");
        fs::create_dir_all(&made).unwrap();
        let sum = text.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        let made = made.join(format!("{sum}.txt"));
        if !made.exists() {
            fs::write(&made, text.to_uppercase()).unwrap();
            let old = SystemTime::UNIX_EPOCH + Duration::from_secs(946_684_800);
            fs::File::options().write(true).open(&made).unwrap().set_modified(old).unwrap();
        }
        format!("{{ const _: &str = include_str!({file:?}); include_str!({made:?}) }}").parse().unwrap()
    }
"#};
const EMBEDDED: &str = "fn main() { print!(\"{}\", embedcrate::embed!(\"data\")); }\n";

/// A program with this source, which uses these macros of a registry, with a file of data.
fn project(macros: &str, main: &str) -> Project {
    let project = Project::new().with_store();
    package(
        &project,
        "embedcrate",
        PROC_MACRO,
        &[("src/lib.rs", macros)],
    );
    publish(&project, &["embedcrate"]);
    let files = [
        ("src/main.rs", main),
        (
            "build.rs",
            "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n",
        ),
        ("data", "one\n"),
    ];
    project.package("app", "[dependencies]\nembedcrate = \"0.1\"\n", &files)
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

/// Macros that write another content each time, a file that they read before, or one elsewhere.
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
    let main = "fn main() { print!(\"{}\", embedcrate::it!()); }\n";
    let project = project(&macros, main).committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let linked = with_home(&project, &project.linked("second"), "cargo-home");
    linked.cargo(&["build"]).ok().compiled(&["app bin"]);
}
