//! Programs and tests that give the path of their package to a function of another crate: the compiler computes nothing from it if it
//! does not inline that function.

use indoc::indoc;
use rstest::rstest;

use super::out_dir::says_the_same_uncached;
use super::paths_of_variables::{checkouts, is_shared, linked};
use super::project::{Project, uses};

/// Helpers for tests, as a package of a workspace has them.
const HELPER: &str = indoc! {r#"
    use std::path::{Path, PathBuf};

    pub mod files;

    pub fn read(directory: &str, name: &str) -> String { format!("{} in {directory} of {}", name, directory.len()) }
    pub fn all(directories: &[&str]) -> usize { directories.iter().map(|one| one.len()).sum() }
    pub fn open<P: AsRef<Path>>(path: P) -> PathBuf { path.as_ref().join("opened") }

    #[derive(Debug)]
    pub struct Options { root: String }

    impl Options {
        pub fn new(root: impl Into<String>) -> Self { Self { root: root.into() } }
        pub fn root(&self) -> &str { &self.root }
    }
"#};

const FILES: &str = "pub fn first(directory: &'static str) -> &'static str { directory }\n";

const APP: &str = indoc! {r#"
    use helper::{Options, files};

    const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

    pub fn found(directory: &str) -> String { format!("{directory} {}", directory.len()) }

    fn main() {
        println!("{}", helper::read(env!("CARGO_MANIFEST_DIR"), "a"));
        println!("{}", ::helper::all(&[env!("CARGO_MANIFEST_DIR"), DATA]));
        println!("{} {:?}", helper::open(DATA).display(), helper::open(env!("CARGO_MANIFEST_DIR")));
        println!("{:?} {}", Options::new(env!("CARGO_MANIFEST_DIR")), helper::Options::new(DATA).root());
        println!("{} {}", files::first(env!("CARGO_MANIFEST_DIR")), helper::files::first(DATA));
    }
"#};

fn project(helper: &str, app: &str) -> Project {
    let sources = [("src/lib.rs", helper), ("src/files.rs", FILES)];
    Project::new()
        .with_store()
        .package("helper", "", &sources)
        .package("app", &uses(&["helper"]), &[("src/main.rs", app)])
}

#[requires(sccache)]
#[test]
fn a_program_is_shared() {
    is_shared(&project(HELPER, APP).committed());
}

#[requires(sccache)]
#[test]
fn tests_of_a_library_are_shared() {
    let test =
        "#[test] fn reads() { println!(\"said {}\", app::found(env!(\"CARGO_MANIFEST_DIR\"))); }\n";
    let library = "pub fn found(directory: &str) -> String { format!(\"{directory} {}\", directory.len()) }\n";
    let project = Project::new()
        .with_store()
        .package("app", "", &[("src/lib.rs", library), ("tests/it.rs", test)])
        .committed();
    project.main().cargo(&["test"]).ok();
    for linked in linked(&project) {
        let built = linked.cargo(&["test", "--", "--nocapture"]).ok().all_hit();
        let path = linked.path("crates/app");
        let said = format!("said {} {}", path.display(), path.as_os_str().len());
        assert!(built.ran.stdout.contains(&said), "{}", built.ran.stdout);
    }
}

#[requires(sccache)]
#[rstest]
#[case::that_is_always_inlined(
    "#[inline(always)] pub fn length(text: &str) -> usize { text.as_bytes().len() * 3 }"
)]
#[case::that_is_exported_again(
    "mod m { #[inline(always)] pub fn f(text: &str) -> usize { text.as_bytes().len() * 3 } } pub use m::f as length; pub mod other { pub fn length(_: &str) {} }"
)]
#[case::that_a_macro_writes(
    "macro_rules! functions { ($($name:ident)*) => { $(#[inline(always)] pub fn $name(text: &str) -> usize { text.as_bytes().len() * 3 })* } } functions!(length);"
)]
fn a_function(#[case] helper: &str) {
    let app = "fn main() { println!(\"{}\", helper::length(env!(\"CARGO_MANIFEST_DIR\"))); }\n";
    let project = project(helper, app).committed();
    for checkout in checkouts(&project) {
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

#[requires(sccache)]
#[test]
fn a_function_that_is_inlined_after_an_edit() {
    let helper = "pub fn length(text: &str) -> usize { text.as_bytes().len() * 3 }\n";
    let app = "fn main() { println!(\"{}\", helper::length(env!(\"CARGO_MANIFEST_DIR\"))); }\n";
    let project = project(helper, app).committed();
    project.main().cargo(&["build"]).ok();
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok().all_hit();
        says_the_same_uncached(&linked);
        linked.cargo(&["build"]).ok();
        linked.edit(
            "crates/helper/src/lib.rs",
            "pub fn",
            "#[inline(always)] pub fn",
        );
        linked.cargo(&["build"]).ok().rebuilt("app");
        says_the_same_uncached(&linked);
    }
}
