//! Libraries of a registry, and generated code, that use macros of a registry.

use std::fs;

use indoc::indoc;
use rstest::rstest;

use super::environment::PROC_MACRO;
use super::out_dir::{NOTES_EXPANSIONS, says_the_same_uncached};
use super::project::Project;
use super::registry::{PRINTS, lock, package, publish, with_home};
use super::seed::seed;

/// A macro that reads any variable.
const READS: &str = indoc! {r#"
    #[proc_macro] pub fn variable(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
        format!("{:?}", std::env::var(input.to_string()).unwrap_or_default()).parse().unwrap()
    }
"#};

/// A macro that asks for the current directory.
const ASKS: &str = indoc! {r"
    #[proc_macro] pub fn directory(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
        std::env::current_dir().unwrap().to_str().unwrap().len().to_string().parse().unwrap()
    }
"};

/// A program above the library `lowcrate`, which has this code and uses a macro that reads any variable.
pub(super) fn project(lib: &str) -> Project {
    project_with(READS, lib)
}

/// A program above the library `lowcrate`, which has this code and uses these macros. cargo's settings set a variable to the
/// directory of the checkout.
fn project_with(macros: &str, lib: &str) -> Project {
    let project = Project::new().with_store();
    package(&project, "readcrate", PROC_MACRO, &[("src/lib.rs", macros)]);
    let uses = "[dependencies]\nreadcrate = \"0.1\"\n";
    package(&project, "lowcrate", uses, &[("src/lib.rs", lib)]);
    publish(&project, &["readcrate", "lowcrate"]);
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", PRINTS)]);
    let main = project.main();
    let settings = main.read(".cargo/config.toml");
    let root = "[env]\nAPP_ROOT = { value = \"\", relative = true }\n";
    main.write(".cargo/config.toml", &format!("{settings}{root}"));
    project.committed()
}

/// Builds in two worktrees, in which the source is expanded or not, and the program says what it says without a cache.
fn builds_in_two(project: &Project, is_expanded: bool) {
    for checkout in [project.main(), project.linked("a/deeper/worktree")] {
        let checkout = with_home(project, &checkout, "cargo-home");
        let (checkout, directory) = checkout.with_compiler_script(NOTES_EXPANSIONS);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
        assert_eq!(directory.join("expanded").exists(), is_expanded);
    }
}

/// As `include_dir` does, which finds its directory by a variable that the program names.
const READS_NONE: &str =
    "pub use readcrate::variable;\npub fn text() -> &'static str { \"text\" }\n";

#[requires(sccache)]
#[test]
fn a_variable_with_the_path_of_the_checkout_does_not_count_if_it_is_not_read() {
    let project = project(READS_NONE);
    let [main, second, third] = [
        project.main(),
        project.linked("a/deeper/worktree"),
        project.linked("third"),
    ]
    .map(|it| with_home(&project, &it, "cargo-home"));
    main.cargo(&["build"]).ok();
    second.cargo(&["build"]).ok().all_hit();
    let other = second.with("APP_OTHER", "another");
    other.clean();
    other.cargo(&["build"]).ok().all_hit();
    seed(&third);
    third.uncached(&["build"]).ok().nothing_to_do();
    assert_eq!(third.says("app"), "text\n");
}

/// The notes about the macros are those of the compile itself. Its source is expanded only if a macro asked for the directory.
#[rstest]
#[requires(sccache)]
#[case::which_read_variables(&[READS], "1", "\n")]
#[case::which_may_ask(&[ASKS], "1", "\n")]
#[case::which_ask(&[ASKS], "readcrate::directory!()", "\n\n\n")]
#[case::which_read_variables_and_ask(&[READS, ASKS], "readcrate::directory!()", "\n\n\n")]
fn a_library_is_compiled_once_to_observe_its_macros(
    #[case] macros: &[&str],
    #[case] value: &str,
    #[case] runs: &str,
) {
    let lib = format!("pub fn text() -> String {{ {value}.to_string() }}\n");
    let project = project_with(&macros.concat(), &lib);
    let main = with_home(&project, &project.main(), "cargo-home");
    let script = "case \"$*\" in *crate-name\\ lowcrate*) echo >> \"$dir/runs\" ;; esac\nexec \"$real\" \"$@\"\n";
    let (main, scripts) = main.with_compiler_script(script);
    main.cargo(&["build"]).ok();
    assert_eq!(fs::read_to_string(scripts.join("runs")).unwrap(), runs);
}

/// Then it is not noted that a macro asks for the directory.
#[requires(sccache)]
#[test]
fn a_script_may_start_the_compiler_as_another_process() {
    let project = Project::new().with_store();
    package(&project, "readcrate", PROC_MACRO, &[("src/lib.rs", ASKS)]);
    publish(&project, &["readcrate"]);
    let main = "fn main() { println!(\"{}\", readcrate::directory!()); }\n";
    let uses = "[dependencies]\nreadcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", main)]);
    let project = project.committed();
    for checkout in [project.main(), project.linked("a/deeper/worktree")] {
        let checkout = with_home(&project, &checkout, "cargo-home");
        let (checkout, _) = checkout.with_compiler_script("\"$real\" \"$@\"; exit $?\n");
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

#[rstest]
#[requires(sccache)]
#[case::as_it_is("readcrate::variable!(APP_ROOT)")]
#[case::its_length("if readcrate::variable!(APP_ROOT).len() > 60 { \"long\" } else { \"short\" }")]
fn a_variable_with_the_path_of_the_checkout_counts_if_it_is_read(#[case] text: &str) {
    let project = project(&format!("pub fn text() -> &'static str {{ {text} }}\n"));
    let linked = project.linked(&"deeper/".repeat(20));
    for checkout in [project.main(), linked] {
        let checkout = with_home(&project, &checkout, "cargo-home");
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// Variables of a CI job count only if they are read.
#[rstest]
#[requires(sccache)]
fn a_variable_that_a_published_macro_reads_counts(
    #[values("APP_VALUE", "GITHUB_VALUE")] name: &str,
) {
    let project = project(&format!(
        "pub fn text() -> &'static str {{ readcrate::variable!({name}) }}\n"
    ));
    let checkout = with_home(&project, &project.main(), "cargo-home");
    for value in ["one", "two", "one"] {
        let checkout = checkout.with(name, value);
        checkout.clean();
        checkout.cargo(&["build"]).ok();
        assert_eq!(says_the_same_uncached(&checkout), format!("{value}\n"));
    }
    let linked = with_home(&project, &project.linked("second"), "cargo-home");
    let linked = linked.with(name, "two");
    linked.cargo(&["build"]).ok().all_hit();
    linked.clean();
    let linked = linked.with(name, "three");
    seed(&linked);
    linked.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&linked), "three\n");
}

/// A macro whose errors have backtraces, as those of `anyhow` do. It expands to what is captured for an argument that is no number.
const TRACES: &str = indoc! {r#"
    use std::backtrace::Backtrace;
    struct Error(Backtrace);
    fn number(text: &str) -> Result<u32, Error> { text.parse().map_err(|_| Error(Backtrace::capture())) }
    #[proc_macro] pub fn value(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
        match number(&input.to_string()) {
            Ok(number) => format!("\"{number}\"").parse().unwrap(),
            Err(error) => format!("\"{:?}\"", error.0.status()).parse().unwrap(),
        }
    }
"#};

/// The variables that decide whether a backtrace is captured count only if one is: in a published library, in one of the workspace,
/// and whether or not the compiler lists the sources.
#[rstest]
#[requires(sccache)]
#[case::none_is_captured("7", ["7", "7", "7"])]
#[case::one_is_captured("seven", ["Captured", "Disabled", "Captured"])]
fn variables_of_backtraces_count_if_a_macro_captures_one(
    #[case] argument: &str,
    #[case] texts: [&str; 3],
) {
    let project = Project::new().with_store();
    package(
        &project,
        "tracecrate",
        PROC_MACRO,
        &[("src/lib.rs", TRACES)],
    );
    let uses = "[dependencies]\ntracecrate = \"0.1\"\n";
    let low = format!("pub fn text() -> &'static str {{ tracecrate::value!({argument}) }}\n");
    package(&project, "lowcrate", uses, &[("src/lib.rs", &*low)]);
    publish(&project, &["tracecrate", "lowcrate"]);
    let uses = "[dependencies]\ntracecrate = \"0.1\"\nlowcrate = \"0.1\"\n";
    let main = format!(
        "fn main() {{ println!(\"{{}} {{}}\", lowcrate::text(), tracecrate::value!({argument})); }}\n"
    );
    let project = project.package("app", uses, &[("src/main.rs", &*main)]);
    let project = project.committed();
    let variables = [
        ("RUST_BACKTRACE", "1"),
        ("RUST_BACKTRACE", "0"),
        ("RUST_LIB_BACKTRACE", "1"),
    ];
    let is_captured = texts[0] != texts[1];
    for name in ["main", "a/deeper/worktree"] {
        let checkout = match name {
            "main" => project.main(),
            other => project.linked(other),
        };
        let checkout = with_home(&project, &checkout, "cargo-home");
        for (nth, ((variable, value), text)) in variables.into_iter().zip(texts).enumerate() {
            let checkout = checkout.with(variable, value);
            checkout.clean();
            let built = checkout.cargo(&["build"]).ok();
            assert_eq!(checkout.says("app"), format!("{text} {text}\n"));
            if name != "main" || nth > 0 && !is_captured {
                built.all_hit();
            }
        }
    }
    let seeded = with_home(&project, &project.linked("seeded"), "cargo-home");
    let seeded = seeded.with("RUST_BACKTRACE", "0");
    seed(&seeded);
    let built = seeded.uncached(&["build"]).ok();
    if !is_captured {
        built.nothing_to_do();
    }
    assert_eq!(seeded.says("app"), format!("{0} {0}\n", texts[1]));
    // The shell of the first build counts.
    let other = with_home(&project, &project.linked("other"), "cargo-home");
    seed(&other.with("RUST_BACKTRACE", "1"));
    let other = other.with("RUST_BACKTRACE", "0");
    other.cargo(&["build"]).ok();
    assert_eq!(other.says("app"), format!("{0} {0}\n", texts[1]));
}

/// cargo does not know it: its name is not in `env!`.
#[requires(sccache)]
#[test]
fn a_variable_of_the_first_build_that_a_macro_reads_counts() {
    let project = project("pub fn text() -> &'static str { readcrate::variable!(APP_VALUE) }\n");
    let checkout = |checkout| with_home(&project, &checkout, "cargo-home");
    let main = checkout(project.main()).with("APP_VALUE", "one");
    main.cargo(&["build"]).ok();
    let linked = checkout(project.linked("second"));
    seed(&linked.with("APP_VALUE", "one"));
    let linked = linked.with("APP_VALUE", "two");
    linked.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&linked), "two\n");
}

/// A derive may expand to code with the path of the generated source, by itself or by the call of another macro. Then the
/// program is expanded, to find whether it depends on that path without containing it.
#[rstest]
#[requires(sccache)]
#[case::which_adds_nothing("\"\"", false)]
#[case::which_asks("\"const N: usize = file!().len();\"", true)]
#[case::which_calls_a_macro_that_asks("\"const N: usize = herecrate::here!().len();\"", true)]
fn generated_code_may_use_a_derive(#[case] expansion: &str, #[case] is_expanded: bool) {
    let project = Project::new().with_store();
    let derives = format!(
        "#[proc_macro_derive(Other)] pub fn other(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{ {expansion}.parse().unwrap() }}\n"
    );
    package(
        &project,
        "derivecrate",
        PROC_MACRO,
        &[("src/lib.rs", &derives)],
    );
    let here = "#[macro_export] macro_rules! here { () => { file!() } }\n";
    package(&project, "herecrate", "", &[("src/lib.rs", here)]);
    // No attribute in the generated code is this macro.
    let attributes = "#[proc_macro_attribute] pub fn here(_: proc_macro::TokenStream, _: proc_macro::TokenStream) -> proc_macro::TokenStream { \"fn f() { herecrate::here!(); }\".parse().unwrap() }\n";
    let files = [("src/lib.rs", attributes)];
    package(&project, "attributecrate", PROC_MACRO, &files);
    let all = ["attributecrate", "derivecrate", "herecrate"];
    publish(&project, &all);
    let makes = "fn main() { std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/g.rs\", \"#[derive(derivecrate::Other)] pub struct S;\").unwrap(); }\n";
    let length = if is_expanded { "N" } else { "0" };
    let main = format!(
        "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() {{ println!(\"{{}}\", {length}); }}\n"
    );
    let uses = all.map(|name| format!("{name} = \"0.1\"\n")).concat();
    let uses = format!("[dependencies]\n{uses}");
    let files = [("src/main.rs", &*main), ("build.rs", makes)];
    let project = project.package("app", &uses, &files).committed();
    builds_in_two(&project, is_expanded);
}

/// A macro that reads the variable which the source names may compute something of a path. The compile shows which ones it
/// reads.
#[rstest]
#[requires(sccache)]
fn what_a_published_macro_computes_from_a_variable_counts(
    #[values("CARGO_PKG_NAME", "OUT_DIR")] name: &str,
) {
    let project = Project::new();
    let reads = "#[proc_macro] pub fn length(input: proc_macro::TokenStream) -> proc_macro::TokenStream { std::env::var(input.to_string()).unwrap().len().to_string().parse().unwrap() }\n";
    package(&project, "readcrate", PROC_MACRO, &[("src/lib.rs", reads)]);
    let lib = format!("pub fn text() -> usize {{ readcrate::length!({name}) }}\n");
    let files = [("src/lib.rs", &*lib), ("build.rs", "fn main() {}\n")];
    let uses = "[dependencies]\nreadcrate = \"0.1\"\n";
    package(&project, "lowcrate", uses, &files);
    publish(&project, &["readcrate", "lowcrate"]);
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", PRINTS)]);
    let project = project.committed();
    for checkout in [project.main(), project.linked("a/deeper/worktree")] {
        let checkout = with_home(&project, &checkout, "cargo-home");
        let built = checkout.cargo(&["build"]).ok();
        if checkout.directory != project.main().directory && name == "CARGO_PKG_NAME" {
            built.all_hit();
        }
        says_the_same_uncached(&checkout);
    }
}

/// The compiler reads the variable to include a file. The second expansion is for what a macro may compute of it.
#[rstest]
#[requires(sccache)]
#[case::it_reads_another("length!(CARGO_PKG_NAME)", false)]
#[case::it_reads_it_as_well("length!(OUT_DIR)", true)]
#[case::another_macro_reads_the_directory("two!()", false)]
#[case::it_reads_the_directory("directory!()", true)]
#[case::it_asks_for_the_current_directory("current!()", true)]
#[case::it_asks_for_the_path_of_a_file("resolved!()", true)]
fn a_macro_that_may_read_any_variable_is_observed_to_read_some(
    #[case] call: &str,
    #[case] is_expanded: bool,
) {
    let project = Project::new();
    let reads = indoc! {r#"
        use proc_macro::TokenStream;
        #[proc_macro] pub fn length(input: TokenStream) -> TokenStream { std::env::var(input.to_string()).unwrap().len().to_string().parse().unwrap() }
        #[proc_macro] pub fn directory(_: TokenStream) -> TokenStream { std::env::var("CARGO_MANIFEST_DIR").unwrap().len().to_string().parse().unwrap() }
        #[proc_macro] pub fn resolved(_: TokenStream) -> TokenStream { std::fs::canonicalize("Cargo.toml").unwrap().to_str().unwrap().len().to_string().parse().unwrap() }
        #[proc_macro] pub fn current(_: TokenStream) -> TokenStream { std::env::current_dir().unwrap().to_str().unwrap().len().to_string().parse().unwrap() }
        #[proc_macro] pub fn two(_: TokenStream) -> TokenStream { "2".parse().unwrap() }
    "#};
    package(&project, "readcrate", PROC_MACRO, &[("src/lib.rs", reads)]);
    publish(&project, &["readcrate"]);
    let main = format!(
        "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() {{ println!(\"{{}} {{}}\", G, readcrate::{call}); }}\n"
    );
    let makes = "fn main() { std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/g.rs\", \"const G: u8 = 1;\").unwrap(); }\n";
    let uses = "[dependencies]\nreadcrate = \"0.1\"\n";
    let files = [("src/main.rs", &*main), ("build.rs", makes)];
    let project = project.package("app", uses, &files).committed();
    builds_in_two(&project, is_expanded);
}

/// Published macros are trusted no more than others, whatever they are called.
#[requires(sccache)]
#[test]
fn what_a_published_macro_reads_counts() {
    let project = Project::new();
    let reads = indoc! {r#"
        use std::env as e;
        #[proc_macro] pub fn it(_: proc_macro::TokenStream) -> proc_macro::TokenStream { format!("{:?}", e::vars().find(|it| it.0 == "SCCFG_TEST_VALUE").unwrap().1).parse().unwrap() }
    "#};
    let runs = indoc! {r#"
        use std::process as p;
        #[proc_macro] pub fn it(_: proc_macro::TokenStream) -> proc_macro::TokenStream { format!("{:?}", String::from_utf8(p::Command::new("printenv").arg("SCCFG_TEST_VALUE").output().unwrap().stdout).unwrap().trim()).parse().unwrap() }
    "#};
    // Once a name of a crate that did ask cargo alone.
    for (name, lib) in [("readcrate", reads), ("proc-macro-crate", runs)] {
        package(&project, name, PROC_MACRO, &[("src/lib.rs", lib)]);
    }
    publish(&project, &["readcrate", "proc-macro-crate"]);
    let project = project.package(
        "app",
        "[dependencies]\nreadcrate = \"0.1\"\nproc-macro-crate = \"0.1\"\n",
        &[(
            "src/main.rs",
            "fn main() { println!(\"{} {}\", readcrate::it!(), proc_macro_crate::it!()); }\n",
        )],
    );
    lock(&project);
    let project = project.committed();
    for (checkout, value) in [(project.main(), "one"), (project.linked("second"), "two")] {
        let checkout = with_home(&project, &checkout, "cargo-home");
        checkout
            .with("SCCFG_TEST_VALUE", value)
            .cargo(&["build"])
            .ok();
        assert_eq!(checkout.says("app"), format!("{value} {value}\n"));
    }
}
