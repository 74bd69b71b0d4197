//! Published macros that run cargo to find the workspace.

use indoc::{formatdoc, indoc};

use super::out_dir::says_the_same_uncached;
use super::project::Project;
use super::registry::{package, publish, with_home};
use super::seed::seed;

/// A part of sqlx-macros-core: the directory of the workspace, in which it looks for the results of `cargo sqlx prepare`, and how
/// many packages there are.
const METADATA: &str = indoc! {r#"
    pub fn metadata() -> (String, usize) {
        let output = std::process::Command::new(std::env::var("CARGO").unwrap())
            .args(["metadata", "--format-version=1", "--no-deps"])
            .current_dir(std::env::var("CARGO_MANIFEST_DIR").unwrap())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let root = text.split("\"workspace_root\":\"").nth(1).unwrap();
        (root.split('"').next().unwrap().to_owned(), text.matches("\"manifest_path\"").count())
    }
"#};

/// A project whose program has the text in `.sqlx/query.json` in it, and the number of packages if `counts`. The published crate
/// `core` runs cargo for the macro.
fn project(core: &str, counts: bool) -> Project {
    let project = Project::new().with_store();
    package(&project, core, "", &[("src/lib.rs", METADATA)]);
    let number = if counts { "number" } else { "0" };
    let identifier = core.replace('-', "_");
    let macros = formatdoc! {r#"
        use proc_macro::TokenStream;
        #[proc_macro] pub fn query(_: TokenStream) -> TokenStream {{
            let (root, number) = {identifier}::metadata();
            let _ = number;
            let text = std::fs::read_to_string(std::path::Path::new(&root).join(".sqlx/query.json")).unwrap();
            format!("{{:?}}", format!("{{text}} {{}}", {number})).parse().unwrap()
        }}
    "#};
    let manifest = format!("[lib]\nproc-macro = true\n[dependencies]\n{core} = \"0.1\"\n");
    let lib = [("src/lib.rs", &*macros)];
    package(&project, "query-macros", &manifest, &lib);
    publish(&project, &[core, "query-macros"]);
    let uses = "[dependencies]\nquery-macros = \"0.1\"\n";
    let main = "fn main() { println!(\"{}\", query_macros::query!()); }\n";
    let project = project.package("app", uses, &[("src/main.rs", main)]);
    let other = [("src/lib.rs", "pub const OTHER: u8 = 1;\n")];
    let project = project.package("other", "", &other);
    project.main().write(".sqlx/query.json", "one");
    project.committed()
}

#[requires(sccache)]
#[test]
fn saved_queries_of_sqlx_are_found_in_each_worktree() {
    let project = project("sqlx-macros-core", false);
    let linked = project.linked("a/deeper/worktree");
    let [main, linked] = [project.main(), linked].map(|it| with_home(&project, &it, "cargo-home"));
    main.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&main), "one 0\n");
    linked.cargo(&["build"]).ok().all_hit();
    assert_eq!(says_the_same_uncached(&linked), "one 0\n");
    linked.write(".sqlx/query.json", "two");
    linked.clean();
    linked.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&linked), "two 0\n");
    // Another manifest of the workspace does not matter.
    main.write("crates/other/tests/new.rs", "#[test] fn new() {}\n");
    main.clean();
    main.cargo(&["build"]).ok().all_hit();
}

#[requires(sccache)]
#[test]
fn saved_queries_of_sqlx_count_for_a_seeded_worktree() {
    let project = project("sqlx-macros-core", false);
    let [main, second, third] = [
        project.main(),
        project.linked("second"),
        project.linked("a/third"),
    ]
    .map(|it| with_home(&project, &it, "cargo-home"));
    main.cargo(&["build"]).ok();
    seed(&second);
    second.uncached(&["build"]).ok().nothing_to_do();
    assert_eq!(second.says("app"), "one 0\n");
    seed(&third);
    third.write(".sqlx/query.json", "two");
    third.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&third), "two 0\n");
}

/// cargo describes all packages, and another macro may use any of that.
#[requires(sccache)]
#[test]
fn a_macro_that_counts_the_packages_runs_each_time() {
    let project = project("counting-core", true);
    let checkout = with_home(&project, &project.main(), "cargo-home");
    checkout.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&checkout), "one 2\n");
    checkout.write("crates/third/src/lib.rs", "");
    let manifest = super::project::package("third", "");
    checkout.write("crates/third/Cargo.toml", &manifest);
    checkout.clean();
    checkout.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&checkout), "one 3\n");
}
