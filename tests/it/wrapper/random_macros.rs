//! Published macros that draw random numbers, such as for names that are unique: what uses them is shared unless it depends on a
//! path.

use indoc::indoc;
use rstest::rstest;

use super::environment::PROC_MACRO;
use super::project::{Checkout, Project};
use super::registry::{package, publish, with_home};

const OF_THE_STANDARD_LIBRARY: &str = indoc! {"
    use std::hash::{BuildHasher as _, Hasher as _};
    pub fn number(text: &str) -> u64 {
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write(text.as_bytes());
        hasher.finish()
    }
"};
const BY_A_FUNCTION: &str = indoc! {r#"
    extern "C" { fn getrandom(to: *mut u64, size: usize, flags: u32) -> isize; }
    pub fn number(text: &str) -> u64 {
        let mut number = 0;
        assert_eq!(unsafe { getrandom(&mut number, 8, 0) }, 8);
        number / 1000 + text.len() as u64
    }
"#};
const BY_A_SYSTEM_CALL: &str = indoc! {r#"
    extern "C" { fn syscall(number: isize, ...) -> isize; }
    pub fn number(text: &str) -> u64 {
        let mut number = 0u64;
        let call = if cfg!(target_arch = "aarch64") { 278 } else { 318 };
        assert_eq!(unsafe { syscall(call, &mut number, 8usize, 0usize) }, 8);
        number / 1000 + text.len() as u64
    }
"#};

/// A program that prints the number that a macro has drawn. `text` may be derived from the path of its package.
fn project(draw: &str, text: &str) -> Project {
    let project = Project::new().with_store();
    package(&project, "getrandom", "", &[("src/lib.rs", draw)]);
    let code = format!(
        "#[proc_macro] pub fn unique(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{\n\
        let path = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n\
        assert!(path.ends_with(\"/app\"));\n\
        format!(\"{{}}u64\", getrandom::number({text})).parse().unwrap()\n}}\n"
    );
    let manifest = format!("{PROC_MACRO}[dependencies]\ngetrandom = \"0.1\"\n");
    package(&project, "unique", &manifest, &[("src/lib.rs", &code)]);
    publish(&project, &["getrandom", "unique"]);
    let main = "fn main() { println!(\"{}\", unique::unique!()); }\n";
    let uses = "[dependencies]\nunique = \"0.1\"\n";
    project
        .package("app", uses, &[("src/main.rs", main)])
        .committed()
}

fn number(checkout: &Checkout<'_>) -> u64 {
    checkout.cargo(&["build"]).ok();
    checkout.says("app").trim().parse().unwrap()
}

#[rstest]
#[requires(sccache)]
fn a_number_without_a_path_is_shared(
    #[values(OF_THE_STANDARD_LIBRARY, BY_A_FUNCTION, BY_A_SYSTEM_CALL)] draw: &str,
) {
    let project = project(draw, "\"\"");
    let drawn = number(&with_home(&project, &project.main(), "cargo-home"));
    for place in ["second", "a/deeper/worktree"] {
        let linked = with_home(&project, &project.linked(place), "cargo-home");
        linked.cargo(&["build"]).ok().all_hit();
        assert_eq!(number(&linked), drawn);
    }
}

#[rstest]
#[requires(sccache)]
fn a_number_that_is_made_of_a_path_is_not_shared(
    #[values(OF_THE_STANDARD_LIBRARY, BY_A_FUNCTION, BY_A_SYSTEM_CALL)] draw: &str,
) {
    let project = project(draw, "&path");
    let drawn = number(&with_home(&project, &project.main(), "cargo-home"));
    let linked = with_home(&project, &project.linked("a/deeper/worktree"), "cargo-home");
    linked.cargo(&["build"]).ok().compiled(&["app bin"]);
    assert_ne!(number(&linked), drawn);
}
