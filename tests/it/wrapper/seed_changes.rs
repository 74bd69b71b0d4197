//! Sources that are written between seeding and the first build: this compiles what is there, as in a worktree without
//! a target directory, whatever the times of the sources.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use rstest::rstest;

use super::project::{Checkout, Layout, Project};
use super::seed::{ALL, project, seed};

/// A macro that reads a file without telling the compiler, and a program that prints it.
const READER: &str = r#"
extern crate proc_macro;
#[proc_macro]
pub fn secret(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let path = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("words.txt");
    format!("{:?}", std::fs::read_to_string(path).unwrap().trim()).parse().unwrap()
}
"#;

/// Writes a file as `cp -p` does: it keeps the time of the original, which is an hour old.
fn copy_with_time(checkout: &Checkout<'_>, relative: &str, text: &str) {
    let path = checkout.path(relative);
    fs::write(&path, text).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(hour_ago).unwrap();
}

fn reading_project() -> Project {
    project()
        .package(
            "reader",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", READER)],
        )
        .package(
            "poem",
            "[dependencies]\nreader = { path = \"../reader\" }\n",
            &[
                (
                    "src/main.rs",
                    "fn main() { println!(\"{}\", reader::secret!()); }\n",
                ),
                ("words.txt", "words of main\n"),
            ],
        )
}

#[rstest]
#[case::source(
    "app",
    "crates/low/src/lib.rs",
    "pub fn place() -> &'static str { \"copied\" }\npub fn fails() {}\n\
    pub const DATA: &str = \"copied\";\npub const MADE: &str = \"copied\";\n"
)]
#[case::included("app", "data.txt", "copied\n")]
#[case::declared("app", "crates/low/input.txt", "copied\n")]
#[case::read_by_a_macro("poem", "crates/poem/words.txt", "copied\n")]
#[requires(sccache)]
fn a_source_that_is_copied_with_its_time_counts(
    #[case] program: &str,
    #[case] file: &str,
    #[case] text: &str,
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = reading_project().with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    copy_with_time(&linked, file, text);
    linked.cargo(&["build"]).ok();
    let said = linked.says(program);
    assert!(said.contains("copied"), "{said}");
    // From then on, cargo alone decides.
    linked.cargo(&["build"]).ok().nothing_to_do();
    linked.clean();
    linked.uncached(&["build"]).ok();
    assert_eq!(linked.says(program), said);
}

#[requires(sccache)]
#[test]
fn a_directory_that_is_moved_there_counts() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    let changed = "pub fn place() -> &'static str { \"moved\" }\npub fn fails() {}\n\
                   pub const DATA: &str = \"\";\npub const MADE: &str = \"\";\n";
    linked.write("aside/lib.rs", changed);
    seed(&linked);
    fs::remove_dir_all(linked.path("crates/low/src")).unwrap();
    fs::rename(linked.path("aside"), linked.path("crates/low/src")).unwrap();
    linked.cargo(&["build"]).ok();
    assert!(
        linked.says("app").starts_with("moved "),
        "{}",
        linked.says("app")
    );
}

#[requires(sccache)]
#[test]
fn a_command_that_does_not_build_looks_as_well() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    copy_with_time(&linked, "data.txt", "copied\n");
    // cargo does not ask for the version again after it.
    linked.cargo(&["metadata", "--format-version=1"]).ok();
    linked.cargo(&["build"]).ok();
    assert!(linked.says("app").contains("copied"));
}

#[requires(sccache)]
#[test]
fn an_edit_builds_only_what_depends_on_it() {
    let project = reading_project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.write(
        "crates/app/src/main.rs",
        "fn main() { println!(\"edited\"); }\n",
    );
    let built = linked.cargo(&["build"]).ok();
    let compiling = built.ran.stderr.matches("Compiling").count();
    assert_eq!(compiling, 1, "{:?}", built.ran);
    assert_eq!(linked.says("app"), "edited\n");
}

/// What is seeded as the build begins has nothing to look at again.
#[requires(sccache)]
#[test]
fn the_record_of_sources_is_there_until_the_first_build() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let linked = project.linked("second");
    seed(&linked);
    let record = linked.path("target/.sccfg/seeded.json");
    assert!(record.is_file());
    linked.cargo(&ALL).ok().nothing_to_do();
    assert!(!record.exists());
    let third = project.linked("third");
    third.without("SCCFG_SEED").cargo(&ALL).ok().nothing_to_do();
    assert!(!third.path("target/.sccfg/seeded.json").exists());
}
