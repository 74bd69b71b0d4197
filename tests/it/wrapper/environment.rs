//! What is read from the environment while a crate is compiled, by the source and by macros.

use rstest::rstest;

use super::project::{Checkout, Project};
use super::registry::with_home;
use indoc::indoc;

/// Macros that look around while they expand, which no dep-info tells of.
pub(super) const MACROS: &str = r#"
use proc_macro::{Literal, TokenStream, TokenTree};
fn text(value: &str) -> TokenStream { TokenTree::Literal(Literal::string(value)).into() }
fn unquoted(input: TokenStream) -> String { input.to_string().trim_matches('"').to_owned() }
#[proc_macro] pub fn variable(input: TokenStream) -> TokenStream {
    text(&std::env::var(unquoted(input)).unwrap_or_else(|_| "unset".to_owned()))
}
#[proc_macro] pub fn directory(_: TokenStream) -> TokenStream {
    text(std::env::current_dir().unwrap().to_str().unwrap())
}
#[proc_macro] pub fn beside_the_manifest(input: TokenStream) -> TokenStream {
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    text(&std::fs::read_to_string(format!("{directory}/{}", unquoted(input))).unwrap())
}
#[proc_macro] pub fn with_dir(input: TokenStream) -> TokenStream {
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    text(&std::fs::read_to_string(unquoted(input).replace("$CARGO_MANIFEST_DIR", &directory)).unwrap())
}
#[proc_macro] pub fn file_of_variable(input: TokenStream) -> TokenStream {
    text(&std::fs::read_to_string(std::env::var(unquoted(input)).unwrap()).unwrap())
}
#[proc_macro] pub fn variable_of_application(input: TokenStream) -> TokenStream {
    text(&std::env::var(format!("APPLICATION_{}", unquoted(input))).unwrap())
}
#[proc_macro] pub fn arguments_of_clippy(_: TokenStream) -> TokenStream {
    text(&std::env::var(["CLIPPY", "ARGS"].join("_")).unwrap())
}
#[proc_macro] pub fn names_in(input: TokenStream) -> TokenStream {
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let mut names: Vec<_> = std::fs::read_dir(format!("{directory}/{}", unquoted(input))).unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    text(&names.join(" "))
}
#[proc_macro] pub fn from_the_dir(input: TokenStream) -> TokenStream {
    text(&std::fs::read_to_string(unquoted(input)).unwrap())
}
#[proc_macro] pub fn made(input: TokenStream) -> TokenStream {
    let directory = std::env::var("OUT_DIR").unwrap();
    text(&std::fs::read_to_string(format!("{directory}/{}", unquoted(input))).unwrap())
}
#[proc_macro] pub fn checkout_name(_: TokenStream) -> TokenStream {
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    text(directory.rsplit('/').nth(2).unwrap())
}
#[proc_macro] pub fn depth(_: TokenStream) -> TokenStream {
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    text(&directory.matches('/').count().to_string())
}
#[proc_macro] pub fn files_beside(_: TokenStream) -> TokenStream {
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let mut names: Vec<_> = std::fs::read_dir(format!("{directory}/migrations")).unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    text(&names.join(" "))
}
#[proc_macro] pub fn names_below(input: TokenStream) -> TokenStream {
    // As `include_dir!` and `rust-embed` do it.
    let directory = input.to_string().replace('"', "").replace("$CARGO_MANIFEST_DIR", &std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let mut names: Vec<String> = std::fs::read_dir(directory.trim()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    text(&names.join(" "))
}
#[proc_macro] pub fn mumble(_: TokenStream) -> TokenStream {
    use std::io::Write as _;
    std::io::stderr().write_all(b"mumbled \xff\xfe\n").unwrap();
    text("mumbled")
}
"#;

/// The manifest of a crate of macros.
pub(super) const PROC_MACRO: &str = "[lib]\nproc-macro = true\n";
pub(super) const USES_MACROS: &str = "[dependencies]\nmac = { path = \"../mac\" }\n";

/// A program that prints this expression, with macros in reach.
fn printing(expression: &str) -> Project {
    let main = format!("fn main() {{ println!(\"{{}}\", {expression}); }}\n");

    Project::new()
        .package("mac", PROC_MACRO, &[("src/lib.rs", MACROS)])
        .package("app", USES_MACROS, &[("src/main.rs", &main)])
}

/// Programs `app0`, `app1` and so on, each of which prints one of these expressions, in packages of
/// their own.
fn printing_each<'e>(expressions: impl IntoIterator<Item = &'e str>) -> Project {
    let project = Project::new().package("mac", PROC_MACRO, &[("src/lib.rs", MACROS)]);
    let all = expressions.into_iter().enumerate();
    all.fold(project, |project, (number, expression)| {
        let main = format!("fn main() {{ println!(\"{{}}\", {expression}); }}\n");
        project.package(
            &format!("app{number}"),
            USES_MACROS,
            &[("src/main.rs", &main)],
        )
    })
}

/// A program that prints what this one macro, `mac::it!()`, makes.
fn printing_made_by(mac: &str) -> Project {
    let main = "fn main() { println!(\"{}\", mac::it!()); }\n";
    let project = Project::new()
        .package("mac", PROC_MACRO, &[("src/lib.rs", mac)])
        .package("app", USES_MACROS, &[("src/main.rs", main)]);
    project.committed()
}

#[requires(sccache)]
#[test]
fn the_manifest_of_a_member_is_that_of_its_checkout() {
    let expressions = [
        "env!(\"CARGO_MANIFEST_DIR\")",
        "env!(\"CARGO_MANIFEST_PATH\")",
        "option_env!(\"CARGO_MANIFEST_DIR\").unwrap()",
        "concat!(\"at \", env!(\"CARGO_MANIFEST_DIR\"), \"/x\")",
    ];
    let project = printing_each(expressions).committed();
    project.main().cargo(&["build"]).ok();
    for place in ["second", "a/b/deep"] {
        let linked = project.linked(place);
        let programs = ["app0 bin", "app1 bin", "app2 bin", "app3 bin"];
        linked.cargo(&["build"]).ok().compiled_at_most(&programs);
        for (number, expression) in expressions.into_iter().enumerate() {
            let said = linked.says(&format!("app{number}"));
            let own = linked.path(&format!("crates/app{number}"));
            assert!(said.contains(own.to_str().unwrap()), "{expression}: {said}");
        }
    }
}

#[requires(sccache)]
#[test]
fn a_manifest_path_that_only_the_tests_contain_affects_only_the_tests() {
    let project = Project::new();
    let lib = indoc! {r#"
        pub fn f() -> u32 { 1 }
        #[cfg(test)] mod tests { #[test] fn here() {
        println!("{}", std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixture")).unwrap()); } }
    "#};
    let project = project
        .package("low", "", &[("src/lib.rs", lib), ("fixture", "of main")])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { low::f(); }\n")],
        )
        .committed();
    let all = ["build", "--all-targets"];
    project.main().cargo(&all).ok();
    let second = project.linked("second");
    second.cargo(&all).ok().compiled_at_most(&["low test"]);
    second.write("crates/low/fixture", "of second");
    let test = second
        .cargo(&["test", "-p", "low", "--", "--nocapture"])
        .ok();
    assert!(test.ran.stdout.contains("of second"), "{:?}", test.ran);
}

#[requires(sccache)]
#[test]
fn variables_of_an_integration_test_are_those_of_its_checkout() {
    let project = Project::new();
    let test = indoc! {r#"
        #[test] fn t() { println!("exe {}", env!("CARGO_BIN_EXE_app")); println!("tmp {}", env!("CARGO_TARGET_TMPDIR"));
        assert!(std::path::Path::new(env!("CARGO_BIN_EXE_app")).is_file()); }
    "#};
    let project = project
        .package(
            "app",
            "",
            &[("src/main.rs", "fn main() {}\n"), ("tests/t.rs", test)],
        )
        .committed();
    let run = ["test", "--", "--nocapture"];
    project.main().cargo(&run).ok();
    let second = project.linked("second");
    let said = second.cargo(&run).ok().ran.stdout;
    for name in ["debug/app", "tmp"] {
        let own = second.path("target").join(name);
        assert!(said.contains(own.to_str().unwrap()), "{said}");
    }
}

#[requires(sccache)]
#[test]
fn variables_that_a_macro_reads_are_those_of_this_checkout() {
    let expressions = [
        "mac::variable!(\"CARGO_MANIFEST_DIR\")",
        "mac::variable!(\"CARGO_MANIFEST_PATH\")",
        "mac::directory!()",
    ];
    let project = printing_each(expressions).committed();
    let says_its_own = |checkout: &Checkout<'_>| {
        for (number, expression) in expressions.into_iter().enumerate() {
            let said = checkout.says(&format!("app{number}"));
            assert!(said.contains(checkout.text()), "{expression}: {said}");
        }
    };
    let main = project.main();
    main.cargo(&["build"]).ok();
    says_its_own(&main);
    // Twice, for what is remembered of the first time.
    for place in ["second", "a/b/deep", "third"] {
        let linked = project.linked(place);
        let programs = ["app0 bin", "app1 bin", "app2 bin"];
        linked.cargo(&["build"]).ok().compiled_at_most(&programs);
        says_its_own(&linked);
    }
}

#[requires(sccache)]
#[test]
fn the_path_that_a_macro_puts_into_a_library_reaches_the_programs_above() {
    let project = Project::new();
    let project = project
        .package("mac", PROC_MACRO, &[("src/lib.rs", MACROS)])
        .package("low", USES_MACROS, &[("src/lib.rs", "#[inline(never)] pub fn place() -> &'static str { mac::variable!(\"CARGO_MANIFEST_DIR\") }\n")])
        .package("app", "[dependencies]\nlow = { path = \"../low\" }\n", &[("src/main.rs", "fn main() { println!(\"{}\", low::place()); }\n")])
        .committed();
    project.main().cargo(&["build"]).ok();
    for place in ["second", "a/b/deep"] {
        let linked = project.linked(place);
        linked.cargo(&["build"]).ok();
        assert!(
            linked.says("app").contains(linked.text()),
            "{}",
            linked.says("app")
        );
    }
}

/// A part of the path, or what is computed from it, is found by no search for the path.
#[requires(sccache)]
#[test]
fn what_a_macro_computes_from_the_path_is_that_of_this_checkout() {
    for (expression, main_says, deep_says) in [
        ("mac::checkout_name!()", "main\n", "deep\n"),
        ("mac::depth!()", "", ""),
    ] {
        let project = printing(expression).committed();
        let main = project.main();
        main.cargo(&["build"]).ok();
        let said = main.says("app");
        assert!(main_says.is_empty() || said == main_says, "{said}");
        let deep = project.linked("a/b/deep");
        deep.cargo(&["build"]).ok();
        let cached = deep.says("app");
        deep.clean();
        deep.uncached(&["build"]).ok();
        assert_eq!(cached, deep.says("app"), "{expression}");
        assert!(deep_says.is_empty() || cached == deep_says, "{cached}");
    }
}

/// Templates, migrations and the like, of which the compiler learns nothing.
#[requires(sccache)]
#[test]
fn a_file_that_a_macro_reads_is_that_of_this_checkout() {
    let cases = [
        (
            "crates/appN/text.txt",
            "mac::beside_the_manifest!(\"text.txt\")",
        ),
        (
            "crates/appN/text.txt",
            "mac::from_the_dir!(\"crates/app1/text.txt\")",
        ),
        (
            "crates/appN/src/not_a_module.rs",
            "mac::beside_the_manifest!(\"src/not_a_module.rs\")",
        ),
        (
            "crates/appN/tests/data/text",
            "mac::beside_the_manifest!(\"tests/data/text\")",
        ),
        (
            "crates/appN/ignored.txt",
            "mac::beside_the_manifest!(\"ignored.txt\")",
        ),
        (
            "crates/appN/ignored.txt",
            "mac::beside_the_manifest!(\"/ignored.txt\")",
        ),
        (
            "crates/appN/ignored.txt",
            "mac::with_dir!(\"$CARGO_MANIFEST_DIR/ignored.txt\")",
        ),
        (
            "crates/appN/.hidden",
            "mac::beside_the_manifest!(\".hidden\")",
        ),
        (
            "crates/templates/text.txt",
            "mac::beside_the_manifest!(\"../templates/text.txt\")",
        ),
        ("shared.txt", "mac::from_the_dir!(\"shared.txt\")"),
        (
            "queries/one.json",
            "mac::beside_the_manifest!(\"../../queries/one.json\")",
        ),
    ];
    let project = printing_each(cases.map(|(_, expression)| expression))
        .package("templates", "", &[("src/lib.rs", "")])
        .file(".gitignore", "/target\nignored.txt\n");
    let numbered = || {
        let all = cases.into_iter().enumerate();
        all.map(|(number, (file, expression))| {
            let app = format!("app{number}");
            (file.replace("appN", &app), expression, app)
        })
    };
    let project = numbered().fold(project, |project, (file, _, _)| {
        project.file(&file, "of main")
    });
    let project = project.committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let mut wrong = Vec::new();
    for (file, expression, app) in numbered() {
        assert_eq!(main.says(&app), "of main\n");
        // Nothing but this one file differs; what git ignores is not there by itself.
        for (place, text) in [("second", "of second"), ("third", "of main")] {
            let checkout = project.linked(&format!("{place}-{app}"));
            checkout.write(&file, text);
            checkout.cargo(&["build", "-p", &app]).ok();
            let said = checkout.says(&app);
            if said.trim_end() != text {
                wrong.push(format!("{expression} in {place}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[requires(sccache)]
#[test]
fn a_directory_that_git_ignores_counts_where_it_is_named() {
    let mut wrong = Vec::new();
    let expression = "mac::names_below!(\"$CARGO_MANIFEST_DIR/dist\")";
    let project = printing(expression);
    let project = project.file(".gitignore", "/target\ndist/\n").committed();
    for (place, files) in [("first", "one"), ("second", "one two"), ("third", "two")] {
        let checkout = project.linked(place);
        for name in files.split(' ') {
            checkout.write(&format!("crates/app/dist/{name}"), "text");
        }
        checkout.cargo(&["build"]).ok();
        let said = checkout.says("app");
        if said.trim() != files {
            wrong.push(format!("in {place}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[rstest]
#[case::of_its_own("mac::variable!(\"MINE\")", "MINE")]
#[case::of_clippy("mac::variable!(\"CLIPPY_ARGS\")", "CLIPPY_ARGS")]
#[case::of_clippy_by_a_name_that_is_put_together("mac::arguments_of_clippy!()", "CLIPPY_ARGS")]
#[requires(sccache)]
fn a_variable_that_only_a_macro_reads_counts(#[case] value: &str, #[case] name: &str) {
    let project = printing(value).committed();
    project.main().with(name, "1").cargo(&["build"]).ok();
    let second = project.linked("second").with(name, "2");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "2\n");
}

/// What a macro does besides, and what it learns from elsewhere, cannot be looked up.
#[requires(sccache)]
#[test]
fn a_macro_with_side_effects_runs_each_time() {
    let project = Project::new();
    let mac = indoc! {r#"
        use proc_macro::TokenStream;
        use std::process::{Command, Stdio};
        #[proc_macro] pub fn subject(_: TokenStream) -> TokenStream { let git = "git"; let out = Command::new(git).args(["log", "-1", "--format=%s"]).stderr(Stdio::null()).output().unwrap(); format!("{:?}", String::from_utf8(out.stdout).unwrap()).parse().unwrap() }
        #[proc_macro] pub fn log(_: TokenStream) -> TokenStream { std::fs::write("written", "").unwrap(); TokenStream::new() }
    "#};
    let main = "mac::log!();\nfn main() { print!(\"{}\", mac::subject!()); }\n";
    let project = project
        .package("mac", PROC_MACRO, &[("src/lib.rs", mac)])
        .package("app", USES_MACROS, &[("src/main.rs", main)])
        .file(".gitignore", "/target\n/written\n")
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "m\n");
    project.git(
        &main.directory,
        &["commit", "-q", "--allow-empty", "-m", "again"],
    );
    for checkout in [main, project.linked("second")] {
        checkout.clean();
        let _ = std::fs::remove_file(checkout.path("written"));
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "again\n");
        assert!(checkout.path("written").exists());
    }
}

/// The path itself is in nothing that it returns. Nothing has been downloaded to this home of cargo.
#[requires(sccache)]
#[rstest]
fn a_macro_that_asks_for_paths_without_links_to_find_a_file_is_shared(
    #[values("exact", "shared")] home: &str,
) {
    let mac = indoc! {r#"
        use proc_macro::{Literal, TokenStream, TokenTree};
        use std::path::Path;
        fn text(value: &str) -> TokenStream { TokenTree::Literal(Literal::string(value)).into() }
        #[proc_macro] pub fn name_below(_: TokenStream) -> TokenStream {
            let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).canonicalize().unwrap();
            let file = root.join("../mac/../app/text.txt").canonicalize().unwrap();
            text(file.strip_prefix(root).unwrap().to_str().unwrap())
        }
        #[proc_macro] pub fn content(_: TokenStream) -> TokenStream {
            let file = std::fs::canonicalize("Cargo.toml").unwrap();
            let file = file.strip_prefix(std::fs::canonicalize(".").unwrap()).unwrap();
            text(&std::fs::read_to_string(file).unwrap())
        }
    "#};
    let main = "fn main() { println!(\"{} {}\", mac::name_below!(), mac::content!().len()); }\n";
    let project = Project::new()
        .package("mac", PROC_MACRO, &[("src/lib.rs", mac)])
        .package(
            "app",
            USES_MACROS,
            &[("src/main.rs", main), ("text.txt", "")],
        )
        .committed();
    let [main, deeper] = [project.main(), project.linked("a/deeper/worktree")].map(|checkout| {
        with_home(&project, &checkout, "cargo-home").with("SCCFG_WRAPPER_HOME", home)
    });
    main.cargo(&["build"]).ok().compiled_some();
    deeper.cargo(&["build"]).ok().all_hit();
    assert_eq!(deeper.says("app"), main.says("app"));
    assert!(main.says("app").starts_with("text.txt "));
}

/// As an identifier, or as a part of the name.
#[requires(sccache)]
#[test]
fn a_variable_whose_name_a_macro_gets_from_elsewhere_counts() {
    for expression in [
        "mac::variable!(APPLICATION_PORT)",
        "mac::variable_of_application!(PORT)",
    ] {
        let project = printing(expression).committed();
        let main = project.main();
        main.with("APPLICATION_PORT", "1").cargo(&["build"]).ok();
        let second = project.linked("second").with("APPLICATION_PORT", "2");
        second.cargo(&["build"]).ok();
        assert_eq!(second.says("app"), "2\n", "{expression}");
        let third = project.linked("third").with("APPLICATION_PORT", "1");
        third.cargo(&["build"]).ok().all_hit();
    }
}

/// Outside of the workspace, where nobody looks otherwise.
#[requires(sccache)]
#[test]
fn a_file_that_a_variable_names_to_a_macro_is_read() {
    let project = printing("mac::file_of_variable!(\"SCHEMA\")").committed();
    let file = project.sandbox.path("schema");
    let schema = file.to_str().unwrap();
    std::fs::write(&file, "one").unwrap();
    project.main().with("SCHEMA", schema).cargo(&["build"]).ok();
    std::fs::write(&file, "two").unwrap();
    let second = project.linked("second").with("SCHEMA", schema);
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "two\n");
}

/// What other tools make is embedded: git ignores it, or what is in it.
#[requires(sccache)]
#[test]
fn a_directory_that_a_macro_gets_as_an_argument_counts_with_ignored_files() {
    for name in ["dist", "/made"] {
        let project = printing(&format!("mac::names_in!({name:?})"));
        let project = project
            .file(".gitignore", "/target\ndist/\n*.js\n")
            .committed();
        for (checkout, file) in [
            (project.main(), "main.js"),
            (project.linked("second"), "second.js"),
        ] {
            checkout.write(&format!("crates/app/{name}/{file}"), "");
            checkout.cargo(&["build"]).ok();
            assert_eq!(checkout.says("app"), format!("{file}\n"), "{name}");
        }
    }
}

/// The optimiser takes texts apart, and computes with them.
#[requires(sccache)]
#[test]
fn a_path_in_optimised_code_is_that_of_this_checkout() {
    let cases = [
        (
            "std::path::PathBuf::from(env!(\"CARGO_MANIFEST_DIR\")).display()",
            true,
        ),
        ("String::from(env!(\"CARGO_MANIFEST_DIR\"))", true),
        ("format!(\"{}/x\", env!(\"CARGO_MANIFEST_DIR\"))", true),
        (
            "std::hint::black_box(*b\"\").len() + std::hint::black_box(env!(\"CARGO_MANIFEST_DIR\")).len()",
            false,
        ),
        (
            "{ const N: usize = env!(\"CARGO_MANIFEST_DIR\").len(); N }",
            false,
        ),
        ("env!(\"CARGO_MANIFEST_DIR\").len()", false),
        (
            "env!(\"CARGO_MANIFEST_DIR\").ends_with(\"main/crates/app6\")",
            false,
        ),
        (
            "env!(\"CARGO_MANIFEST_DIR\").rsplit('/').nth(2).unwrap()",
            false,
        ),
        (
            "{ const P: &[u8] = env!(\"CARGO_MANIFEST_DIR\").as_bytes(); const L: u8 = P[P.len() - 12]; L }",
            false,
        ),
        (
            "{ const fn h(s: &[u8]) -> u64 { let mut h = 5381; let mut i = 0; while i < s.len() { h = h * 33 % 1_000_003 + s[i] as u64; i += 1 } h } const H: u64 = h(env!(\"CARGO_MANIFEST_DIR\").as_bytes()); H }",
            false,
        ),
    ];
    let project = printing_each(cases.map(|(expression, _)| expression)).committed();
    let mut wrong = Vec::new();
    for profile in ["release", "dev"] {
        let args = ["build", "--profile", profile];
        let directory = if profile == "dev" { "debug" } else { profile };
        project.main().cargo(&args).ok();
        let deep = project.linked(&format!("a/b/deep-{profile}"));
        let said = || {
            let programs = (0..cases.len()).map(|it| format!("target/{directory}/app{it}"));
            let said = programs.map(|program| deep.says_of(&deep.path(&program), &[]));
            said.collect::<Vec<_>>()
        };
        deep.cargo(&args).ok();
        let cached = said();
        deep.clean();
        deep.uncached(&args).ok();
        for ((cached, uncached), (expression, is_path)) in cached.iter().zip(said()).zip(cases) {
            if *cached != uncached {
                wrong.push(format!("{profile}: {expression}: {cached} not {uncached}"));
            }
            assert!(!is_path || uncached.contains(deep.text()), "{uncached}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Constants stand side by side in a program, with nothing between them.
#[requires(sccache)]
#[test]
fn a_path_between_other_texts_is_found() {
    for expression in [
        "[\"one\", env!(\"CARGO_MANIFEST_DIR\"), \"two\"].map(|it| std::hint::black_box(it)).join(\" \")",
        "std::fs::read_to_string(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/fixture\")).unwrap()",
        "concat!(\"prefix\", env!(\"CARGO_MANIFEST_DIR\"), \"suffix\")",
    ] {
        let project = printing(expression);
        let project = project
            .file("crates/app/fixture", "fixture of main")
            .committed();
        project.main().cargo(&["build"]).ok();
        let second = project.linked("second");
        second.write("crates/app/fixture", "fixture of second");
        second.cargo(&["build"]).ok();
        let said = second.says("app");
        assert!(!said.contains("main"), "{said}");
        assert!(said.contains("second"), "{said}");
    }
}

/// What syn calls a file is a source that it parsed.
#[requires(sccache)]
#[test]
fn macros_that_read_no_files_do_not_depend_on_them() {
    let mac = indoc! {r#"
        pub(crate) struct File; impl File { fn new() -> Self { Self } }
        #[proc_macro] pub fn it(_: proc_macro::TokenStream) -> proc_macro::TokenStream { let _: File = crate::File::new(); "1".parse().unwrap() }
    "#};
    let project = printing_made_by(mac);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("README.md", "Of the second.");
    second.cargo(&["build"]).ok().all_hit();
}

/// No file is read: whether there is one says enough.
#[requires(sccache)]
#[test]
fn a_macro_may_look_whether_a_file_is_there() {
    let mac = indoc! {r#"
        use std::path::Path;
        #[proc_macro] pub fn it(_: proc_macro::TokenStream) -> proc_macro::TokenStream { Path::new("switch").exists().to_string().parse().unwrap() }
    "#};
    let project = printing_made_by(mac);
    project.main().cargo(&["build"]).ok();
    assert_eq!(project.main().says("app"), "false\n");
    let second = project.linked("second");
    second.write("switch", "");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "true\n");
}

#[requires(sccache)]
#[test]
fn a_directory_that_a_macro_lists_is_that_of_this_checkout() {
    let project = printing("mac::files_beside!()");
    let project = project.file("crates/app/migrations/1.sql", "").committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/app/migrations/2.sql", "");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "1.sql 2.sql\n");
}

/// Texts that are no names of directories for a macro, though there are such directories.
#[requires(sccache)]
#[test]
fn texts_that_happen_to_name_a_directory_do_not_affect_keys() {
    let texts =
        "[\"target\", \"/tmp\", \"/usr\", \"/proc/self/stat\", mac::beside_the_manifest!(\"t\")]";
    let project = printing(&format!("{texts}.join(\" \")"));
    let project = project.file("crates/app/t", "text").committed();
    project.main().cargo(&["build"]).ok();
    project.linked("second").cargo(&["build"]).ok().all_hit();
}

#[requires(sccache)]
#[test]
fn a_macro_sees_the_files_that_the_build_script_made_here() {
    let project = printing("mac::made!(\"x\")");
    let script = indoc! {r#"
        fn main() { println!("cargo::rerun-if-changed=data"); let out = std::env::var("OUT_DIR").unwrap();
        std::fs::copy("data", format!("{out}/x")).unwrap(); }
    "#};
    let project = project
        .file("crates/app/build.rs", script)
        .file("crates/app/data", "of main")
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/app/data", "of second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "of second\n");
}

#[requires(sccache)]
#[test]
fn variables_that_a_build_script_sets_are_those_of_this_checkout() {
    let project = printing("env!(\"SET\")");
    let script = "fn main() { println!(\"cargo::rustc-env=SET={} and {}\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap(), std::env::current_dir().unwrap().display()); }\n";
    let project = project.file("crates/app/build.rs", script).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().compiled_at_most(&["app bin"]);
    let own = second.path("crates/app");
    let own = own.display();
    assert_eq!(second.says("app"), format!("{own} and {own}\n"));
}

/// The build script is a program that was compiled with `env!` of its own.
#[requires(sccache)]
#[test]
fn a_build_script_that_was_compiled_with_its_path_has_its_own() {
    let project = printing("env!(\"SET\")");
    let script = "fn main() { println!(\"cargo::rustc-env=SET={}\", std::fs::read_to_string(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data\")).unwrap()); }\n";
    let project = project
        .file("crates/app/build.rs", script)
        .file("crates/app/data", "of main")
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/app/data", "of second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "of second\n");
}

#[requires(sccache)]
#[test]
fn variables_of_the_user_count_where_they_are_read() {
    let project = printing("format!(\"{:?}\", option_env!(\"MINE\"))").committed();
    project.main().with("MINE", "1").cargo(&["build"]).ok();
    let second = project.linked("second");
    second.with("MINE", "2").cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "Some(\"2\")\n");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "None\n");
    let third = project.linked("third");
    third.with("MINE", "1").cargo(&["build"]).ok().all_hit();
    assert_eq!(third.says("app"), "Some(\"1\")\n");
    // What cargo set it to is remembered in the cached dep-info as well.
    third
        .with("MINE", "1")
        .cargo(&["build"])
        .ok()
        .nothing_to_do();
    third
        .with("MINE", "3")
        .cargo(&["build"])
        .ok()
        .rebuilt("app");
    assert_eq!(third.says("app"), "Some(\"3\")\n");
}

#[requires(sccache)]
#[test]
fn the_directory_in_which_cargo_compiles_is_that_of_this_checkout() {
    let project = printing("option_env!(\"PWD\").unwrap_or_default()").committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    let cached = second.says("app");
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(cached, second.says("app"));
}

/// The wrapper observes compiles by these variables.
#[requires(sccache)]
#[test]
fn variables_of_observed_compiles_are_those_of_cargo() {
    let expression =
        "format!(\"{:?} {:?}\", option_env!(\"LD_PRELOAD\"), option_env!(\"SCCFG_OBSERVED\"))";
    let project = printing(expression).committed();
    for checkout in [project.main(), project.linked("second")] {
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "None None\n");
        checkout.cargo(&["build"]).ok().nothing_to_do();
    }
}

#[requires(sccache)]
#[test]
fn the_package_is_described_as_its_manifest_says_now() {
    let expression = "format!(\"{} {} {} {} {}\", env!(\"CARGO_PKG_VERSION\"), env!(\"CARGO_PKG_AUTHORS\"), env!(\"CARGO_PKG_DESCRIPTION\"), env!(\"CARGO_CRATE_NAME\"), mac::variable!(\"CARGO_PKG_HOMEPAGE\"))";
    let project = printing(expression).committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(project.main().says("app"), "0.1.0   app \n");
    let second = project.linked("second");
    second.edit(
        "crates/app/Cargo.toml",
        "edition",
        "authors = [\"A\"]\ndescription = \"d\"\nhomepage = \"h\"\nedition",
    );
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "0.1.0 A d app h\n");
    second.edit("crates/app/Cargo.toml", "0.1.0", "0.1.1");
    second.edit("crates/app/Cargo.toml", "\"h\"", "\"i\"");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "0.1.1 A d app i\n");
}

#[requires(sccache)]
#[test]
fn variables_that_rustc_does_not_read_do_not_affect_keys() {
    let project = printing("1").committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let home = second.path("elsewhere");
    for (number, (name, value)) in [
        ("CARGO_TERM_COLOR", "always"),
        ("CARGO_REGISTRY_TOKEN", "secret"),
        ("CARGO_HOME", home.to_str().unwrap()),
        ("CARGO_NET_OFFLINE", "true"),
        ("CARGO_FOO", "bar"),
        ("CARGO_TERM_PROGRESS_WHEN", "never"),
    ]
    .iter()
    .enumerate()
    {
        let linked = project.linked(&format!("of/variable{number}"));
        let built = linked.with(name, value).cargo(&["build"]).ok();
        assert!(
            built.compiled.is_empty() || project.wrapper().ends_with("env"),
            "{name}: {:?}",
            built.compiled
        );
    }
}
