//! Programs with the path of `OUT_DIR`, compiled without optimization: checkouts whose paths differ in length share them.

use indoc::{formatdoc, indoc};
use rstest::rstest;

use super::command::said;
use super::out_dir::{made_by, says_the_same_uncached};
use super::paths_of_variables::{is_shared, linked, says_its_own_path};
use super::project::{Layout, Project};
use super::seed::seed;

/// What a build script makes for [`OPENS`].
const DATA: &str =
    "for name in [\"text\", \"x.o\"] { fs::write(format!(\"{out}/{name}\"), &data).unwrap(); }";

/// A program that opens files of its build script, and includes one.
const OPENS: &str = indoc! {r#"
    use std::path::Path;
    const TEXT: &str = concat!(env!("OUT_DIR"), "/text");
    fn main() {
        println!("{TEXT} {}", std::fs::read_to_string(TEXT).unwrap());
        println!("{:?}", Path::new(env!("OUT_DIR")).join("x.o").is_file());
        println!("{:?}", std::fs::read_to_string(format!("{}/{}", env!("OUT_DIR"), "x.o")));
        println!("{} {}", include_str!(concat!(env!("OUT_DIR"), "/text")), env!("CARGO_MANIFEST_DIR"));
    }
"#};

fn made_with_store(script: &str, main: &str) -> Project {
    made_by(script, main).with_store()
}

#[rstest]
#[requires(sccache)]
fn a_program_that_opens_files_in_it_is_shared(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = made_with_store(DATA, OPENS).with_layout(layout);
    is_shared(&project.committed());
}

#[requires(sccache)]
#[test]
fn a_seeded_program_opens_the_files_of_its_own_checkout() {
    let project = made_with_store(DATA, OPENS).committed();
    project.main().cargo(&["build"]).ok();
    for linked in linked(&project) {
        seed(&linked);
        linked.cargo(&["build"]).ok().nothing_to_do();
        says_its_own_path(&linked);
    }
}

/// Code may have any name.
#[rstest]
#[case::named_as_source("g.rs")]
#[case::named_otherwise("g.in")]
#[case::named_as_text("g.txt")]
#[case::without_an_extension("g")]
#[requires(sccache)]
fn a_program_that_includes_code_is_shared(#[case] file: &str) {
    let script = format!(
        "fs::write(format!(\"{{out}}/{file}\"), \"pub fn g(numbers: &[u64]) -> u64 {{ numbers[5] }}\").unwrap();"
    );
    let main = formatdoc! {r#"
        include!(concat!(env!("OUT_DIR"), "/{file}"));
        fn main() {{
            std::panic::set_hook(Box::new(|info| println!("{{}}", info.location().unwrap())));
            println!("{{:?}}", std::panic::catch_unwind(|| g(&[7])).is_ok());
            println!("{{}}", env!("CARGO_MANIFEST_DIR"));
        }}
    "#};
    is_shared(&made_with_store(&script, &main).committed());
}

#[rstest]
#[case::named_as_source("g.rs")]
#[case::named_otherwise("g.in")]
#[case::named_as_text("g.txt")]
#[requires(sccache)]
fn a_program_that_includes_code_and_names_the_directory_is_not_shared(#[case] file: &str) {
    let script = format!(
        "fs::write(format!(\"{{out}}/{file}\"), \"pub fn g() -> &'static str {{ file!() }}\").unwrap();"
    );
    let main = format!(
        "include!(concat!(env!(\"OUT_DIR\"), \"/{file}\"));\nfn main() {{ println!(\"{{}} {{}}\", g(), env!(\"OUT_DIR\")); }}\n"
    );
    let project = made_with_store(&script, &main).committed();
    project.main().cargo(&["build"]).ok();
    says_its_own_path(&project.main());
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok();
        let explained = said(&linked, &["explain", "app"]);
        assert!(explained.contains("same path"), "{explained}");
        says_its_own_path(&linked);
    }
}

/// The length of the path is in the program.
#[requires(sccache)]
#[test]
fn a_program_that_computes_from_the_path_is_right() {
    let main = indoc! {r#"
        const LENGTH: usize = env!("OUT_DIR").len();
        static BYTES: [u8; LENGTH] = [7; LENGTH];
        fn main() { println!("{} {}", BYTES.len(), env!("OUT_DIR")); }
    "#};
    let project = made_with_store(DATA, main).committed();
    project.main().cargo(&["build"]).ok();
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok();
        says_the_same_uncached(&linked);
    }
}
