//! Programs and tests with a path from a variable of cargo, such as `env!("CARGO_MANIFEST_DIR")`, which are compiled without
//! optimization: checkouts whose paths differ in length share them.

use std::fs;

use indoc::indoc;
use rstest::rstest;

use super::differential::said;
use super::environment::PROC_MACRO;
use super::out_dir::{NOTES_EXPANSIONS, says_the_same_uncached};
use super::project::{Checkout, Layout, Project, uses};
use super::seed::seed;

/// How programs use the path.
const USES: &str = indoc! {r#"
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::LazyLock;

    const DIRECTORY: &str = env!("CARGO_MANIFEST_DIR");
    const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    static MANIFEST: &str = env!("CARGO_MANIFEST_PATH");
    static BOTH: [&str; 2] = [env!("CARGO_MANIFEST_DIR"), "other"];
    static LAZY: LazyLock<PathBuf> = LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("lazy"));

    #[derive(Debug)]
    enum Workspace { UseAsIs(&'static str), DetectWithCargo(&'static str) }

    struct Settings(String);
    impl Settings { fn new(name: &str, root: &str) -> Self { Self(format!("{name} in {root}")) } }

    fn length(_: u32, text: &str, _: &str) -> usize { text.len() }
    fn returned() -> &'static str { env!("CARGO_MANIFEST_DIR") }
    fn get_cargo_workspace(workspace: Workspace) -> String { format!("{workspace:?}") }
    fn workspace() -> String {
        const FOUND: Workspace = if let Some(root) = option_env!("NOT_SET") { Workspace::UseAsIs(root) } else { Workspace::DetectWithCargo(env!("CARGO_MANIFEST_DIR")) };
        get_cargo_workspace(FOUND)
    }

    fn main() {
        println!("{}", Path::new(env!("CARGO_MANIFEST_DIR")).join("joined").display());
        println!("{} {DATA} {MANIFEST} {} {}", DIRECTORY, BOTH[0], LAZY.display());
        println!("{}", length(3, env!("CARGO_MANIFEST_DIR"), "other"));
        println!("{} {}", workspace(), returned());
        println!("{}", env!("CARGO_MANIFEST_DIR").to_owned() + "/more");
        println!("{}", format!("{}/formatted", env!("CARGO_MANIFEST_DIR")));
        println!("{}", format!("{}/{}/formatted {:>7.3}|", env!("CARGO_MANIFEST_DIR"), 7, 1.5));
        println!("{1:?} {0:>10} {}", env!("CARGO_MANIFEST_DIR"), 5);
        let mut command = Command::new(env!("CARGO_MANIFEST_DIR"));
        println!("{:?}", command.arg(env!("CARGO_MANIFEST_DIR")).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
        let closure: Box<dyn Fn() -> &'static str> = Box::new(|| env!("CARGO_MANIFEST_DIR"));
        println!("{} {:?}", closure(), [env!("CARGO_MANIFEST_DIR"), "other"]);
        println!("{}", vec![env!("CARGO_MANIFEST_DIR")].concat());
        let path = env!("CARGO_MANIFEST_DIR");
        println!("{} {}", length(1, path, "other"), PathBuf::from(path).display());
        let read: &Path = env!("CARGO_MANIFEST_DIR").as_ref();
        println!("{} {:?}", read.display(), env!("CARGO_MANIFEST_DIR").rsplit_once('/'));
        println!("{:?} {}", env!("CARGO_MANIFEST_DIR").find("crates"), env!("CARGO_MANIFEST_DIR").repeat(2));
        println!("{}", option_env!("NOT_SET").unwrap_or(env!("CARGO_MANIFEST_DIR")));
        println!("{}", Settings::new("a", env!("CARGO_MANIFEST_DIR")).0);
        assert_eq!(env!("CARGO_MANIFEST_DIR"), returned());
    }
"#};

fn app(source: &str) -> Project {
    let project = Project::new().with_store();
    project.package("app", "", &[("src/main.rs", source)])
}

/// Paths of several lengths, of which one is that of the first checkout.
const PLACES: [&str; 3] = ["b", "second", "a/much/deeper/worktree/with/a/long/path"];

pub(super) fn linked(project: &Project) -> impl Iterator<Item = Checkout<'_>> {
    PLACES.into_iter().map(|place| project.linked(place))
}

/// Fails unless the program says the same as one that was compiled there without a cache, and names the checkout.
#[track_caller]
pub(super) fn says_its_own_path(checkout: &Checkout<'_>) {
    let said = says_the_same_uncached(checkout);
    assert!(said.contains(checkout.text()), "{said}");
}

/// Builds the program in all checkouts. Fails unless only the first one compiles anything, or if one does not say its own path.
#[track_caller]
pub(super) fn is_shared(project: &Project) {
    project.main().cargo(&["build"]).ok();
    says_its_own_path(&project.main());
    for linked in linked(project) {
        linked.cargo(&["build"]).ok().all_hit();
        says_its_own_path(&linked);
    }
}

/// The main checkout, and then those of [`PLACES`].
pub(super) fn checkouts(project: &Project) -> impl Iterator<Item = Checkout<'_>> {
    std::iter::once(project.main()).chain(linked(project))
}

#[requires(sccache)]
#[test]
fn a_program_is_shared() {
    let project = app(USES).committed();
    project.main().cargo(&["build"]).ok();
    let said = says_the_same_uncached(&project.main());
    assert!(said.contains("/more\n"), "{said}");
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok().all_hit();
        says_its_own_path(&linked);
    }
}

/// Only what is read from the expanded source says that nothing is computed from the path.
#[rstest]
#[requires(sccache)]
#[case::in_a_program("main.rs", 1)]
#[case::in_a_library("lib.rs", 1)]
#[case::in_no_file("../other.rs", 0)]
fn a_source_with_the_path_is_expanded_once(#[case] file: &str, #[case] expansions: usize) {
    let path = "pub fn path() -> &'static std::path::Path { std::path::Path::new(env!(\"CARGO_MANIFEST_DIR\")) }\n";
    let files = [
        ("src/lib.rs", "pub fn f() {}\n"),
        ("src/main.rs", "fn main() { app::f() }\n"),
    ];
    let project = Project::new().with_store().package("app", "", &files);
    let file = format!("crates/app/src/{file}");
    let other = files.iter().find(|(name, _)| file.ends_with(name));
    let other = other.map_or("", |(_, text)| text);
    let project = project.file(&file, &format!("{other}{path}")).committed();
    let (main, directory) = project.main().with_compiler_script(NOTES_EXPANSIONS);
    main.cargo(&["build"]).ok();
    let noted = fs::read_to_string(directory.join("expanded")).unwrap_or_default();
    assert_eq!(noted.lines().count(), expansions);
}

/// How programs choose between the path and another text.
const CHOICES: &str = indoc! {r#"
    fn length(text: &str) -> usize { text.len() }
    fn chosen(number: usize) -> &'static str {
        if number == 0 { env!("CARGO_MANIFEST_DIR") } else if number == 1 { "other" } else { concat!(env!("CARGO_MANIFEST_DIR"), "/data") }
    }
    fn matched(number: usize) -> String {
        match number { 0 => env!("CARGO_MANIFEST_DIR").into(), 1 => return env!("CARGO_MANIFEST_DIR").to_owned(), _ => { chosen(number).to_string() } }
    }
    fn early(number: usize) -> Option<&'static str> {
        if number == 0 { return Some(env!("CARGO_MANIFEST_DIR")); }
        match number { 1 => None, _ => Some(concat!(env!("CARGO_MANIFEST_DIR"), "/early")) }
    }
    fn of_the_profile() -> &'static str { if cfg!(debug_assertions) { env!("CARGO_MANIFEST_DIR") } else { "release" } }
    fn pair() -> (usize, &'static str) { (1, env!("CARGO_MANIFEST_DIR")) }

    fn main() {
        let number = std::env::args().count();
        for number in [number - 1, number, number + 1] {
            println!("{} {} {:?}", chosen(number), matched(number), early(number));
        }
        let text = match number { 0 => "none", _ => env!("CARGO_MANIFEST_DIR") };
        println!("{text} {} {} {:?}", length(text), of_the_profile(), pair());
        let text = if cfg!(debug_assertions) { env!("CARGO_MANIFEST_DIR") } else { "release" };
        println!("{text} {}", length(text));
        let pairs = vec![("a", env!("CARGO_MANIFEST_DIR")), ("b", "c")];
        println!("{pairs:?} {}", pairs.iter().map(|(_, one)| one.len()).sum::<usize>());
        println!("{}", length(if number > 5 { "more" } else { env!("CARGO_MANIFEST_DIR") }));
    }
"#};

#[requires(sccache)]
#[test]
fn a_program_that_chooses_the_path_is_shared() {
    is_shared(&app(CHOICES).committed());
}

/// What tests print: the lines with `said`.
fn said_by_tests(built: &super::project::Built) -> Vec<String> {
    let lines = built.ran.stdout.lines();
    let mut said: Vec<_> = lines
        .filter(|line| line.contains("said "))
        .map(str::to_owned)
        .collect();
    said.sort();
    said
}

const SHOWN: [&str; 3] = ["test", "--", "--nocapture"];

/// Fails unless the two tests say the same as tests that were compiled there without a cache, and name the checkout.
#[track_caller]
fn tests_say_their_own_path(checkout: &Checkout<'_>, shown: &super::project::Built) {
    let said = said_by_tests(shown);
    assert_eq!(said.len(), 2, "{said:?}");
    let names_it = |said: &String| said.contains(checkout.text());
    assert!(said.iter().all(names_it), "{said:?}");
    checkout.clean();
    assert_eq!(said_by_tests(&checkout.uncached(&SHOWN).ok()), said);
}

/// As `insta` finds the directory of the workspace, by a macro of a dependency.
const SNAPSHOTS: &str = indoc! {r#"
    pub mod _macro_support {
        pub enum Workspace { UseAsIs(&'static str), DetectWithCargo(&'static str) }
        pub fn get_cargo_workspace(workspace: Workspace) -> String { match workspace { Workspace::UseAsIs(root) | Workspace::DetectWithCargo(root) => root.to_owned() } }
    }
    #[macro_export] macro_rules! workspace { () => {{
        const WORKSPACE: $crate::_macro_support::Workspace = if let Some(root) = option_env!("NOT_SET") { $crate::_macro_support::Workspace::UseAsIs(root) } else { $crate::_macro_support::Workspace::DetectWithCargo(env!("CARGO_MANIFEST_DIR")) };
        $crate::_macro_support::get_cargo_workspace(WORKSPACE)
    }}; }
"#};

#[requires(sccache)]
#[test]
fn tests_are_shared() {
    let unit = "fn main() {}\n#[test] fn unit() { println!(\"said {}\", insta::workspace!()); }\n";
    let integration = "#[test] fn integration() { println!(\"said {} {:?}\", env!(\"CARGO_TARGET_TMPDIR\"), std::process::Command::new(env!(\"CARGO_BIN_EXE_app\")).status()); }\n";
    let project = Project::new()
        .with_store()
        .package("insta", "", &[("src/lib.rs", SNAPSHOTS)])
        .package(
            "app",
            &uses(&["insta"]),
            &[("src/main.rs", unit), ("tests/it.rs", integration)],
        )
        .committed();
    project.main().cargo(&["test"]).ok();
    for linked in linked(&project) {
        let shown = linked.cargo(&SHOWN).ok().all_hit();
        tests_say_their_own_path(&linked, &shown);
    }
}

/// cargo puts the programs into the target directory.
#[rstest]
#[requires(sccache)]
fn seeded_tests_run_the_programs_of_their_own_checkout(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values("UNUSED", "CARGO_BUILD_TARGET")] variable: &str,
) {
    let main = "fn main() { println!(\"said by {}\", env!(\"CARGO_MANIFEST_DIR\")) }\n";
    let test = "#[test] fn runs() { let program = env!(\"CARGO_BIN_EXE_app\"); println!(\"said {program}\"); std::process::Command::new(program).status().unwrap(); }\n";
    let files = [("src/main.rs", main), ("tests/it.rs", test)];
    let project = Project::new().with_store().with_layout(layout);
    let project = project.package("app", "", &files).committed();
    let target = "x86_64-unknown-linux-gnu";
    let main = project.main().with(variable, target);
    main.cargo(&["test", "--no-run"]).ok();
    for linked in linked(&project) {
        let linked = linked.with(variable, target);
        seed(&linked);
        linked.cargo(&["test", "--no-run"]).ok().nothing_to_do();
        tests_say_their_own_path(&linked, &linked.cargo(&SHOWN).ok());
    }
}

/// What the compiler computes from the path, or what the program contains in a way that is not understood.
#[rstest]
#[requires(sccache)]
#[case::in_a_constant(
    "const N: usize = env!(\"CARGO_MANIFEST_DIR\").len(); fn said() -> usize { N }"
)]
#[case::from_a_constant(
    "const D: &str = env!(\"CARGO_MANIFEST_DIR\"); fn said() -> usize { [0; D.len()].len() }"
)]
#[case::by_a_constant_function(
    "const fn f() -> u8 { env!(\"CARGO_MANIFEST_DIR\").as_bytes()[2] } const N: u8 = f(); fn said() -> u8 { N }"
)]
#[case::in_a_static(
    "static N: u64 = { let mut hash = 7; let mut at = 0; let text = env!(\"CARGO_MANIFEST_DIR\").as_bytes(); while at < text.len() { hash = hash * 31 % 1000003 + text[at] as u64; at += 1; } hash }; fn said() -> u64 { N }"
)]
#[case::in_optimised_functions(
    "#[inline(always)] fn f(text: &str) -> usize { text.as_bytes().len() * 2 } fn said() -> usize { f(env!(\"CARGO_MANIFEST_DIR\")) }"
)]
#[case::of_a_block(
    "fn said() -> usize { let text = { env!(\"CARGO_MANIFEST_DIR\") }; text.as_bytes().len() * 3 }"
)]
#[case::of_a_struct(
    "struct W(&'static str); fn said() -> usize { let w = W(env!(\"CARGO_MANIFEST_DIR\")); w.0.as_bytes().len() * 3 + 1 }"
)]
#[case::of_a_branch(
    "fn said() -> usize { let text = if cfg!(debug_assertions) { env!(\"CARGO_MANIFEST_DIR\") } else { \"release\" }; text.as_bytes().len() * 3 }"
)]
#[case::of_an_arm(
    "fn said() -> usize { let text = match 1 { _ => env!(\"CARGO_MANIFEST_DIR\") }; text.as_bytes().len() * 3 }"
)]
#[case::of_a_tuple(
    "fn said() -> usize { let (text, _) = (env!(\"CARGO_MANIFEST_DIR\"), 1); text.as_bytes().len() * 3 }"
)]
#[case::of_the_result_of_an_inlined_function_that_returns(
    "#[inline(always)] fn dir() -> &'static str { return env!(\"CARGO_MANIFEST_DIR\"); } fn said() -> usize { dir().as_bytes().len() * 3 }"
)]
#[case::of_the_result_of_an_inlined_function(
    "#[inline(always)] fn dir() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") } fn said() -> usize { dir().as_bytes().len() * 3 }"
)]
#[case::in_the_default_of_a_parameter(
    "struct B<const N: usize = { env!(\"CARGO_MANIFEST_DIR\").len() + 7 }>([u8; N]); fn said() -> usize { size_of::<B>() }"
)]
#[case::with_a_number_beside_its_address(
    "fn f(text: *const u8, number: usize) -> usize { text as usize % 1 + number } fn said() -> usize { f(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/sub/sub\") as *const str as *const u8, 13910) }"
)]
#[case::in_a_template(
    "fn said() -> String { format!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \" {}\"), 1) }"
)]
#[case::as_bytes(
    "fn said() -> usize { let text = env!(\"CARGO_MANIFEST_DIR\").as_bytes(); text.len() }"
)]
#[case::twice_in_a_text(
    "fn said() -> &'static str { concat!(env!(\"CARGO_MANIFEST_DIR\"), \":\", env!(\"CARGO_MANIFEST_DIR\")) }"
)]
#[case::twice_in_a_template(
    "fn said() -> String { format!(\"{}:{}\", env!(\"CARGO_MANIFEST_DIR\"), env!(\"CARGO_MANIFEST_DIR\")) }"
)]
#[case::as_an_array(
    "const B: &[u8; 4] = env!(\"CARGO_MANIFEST_DIR\").as_bytes().first_chunk().unwrap(); fn said() -> u32 { u32::from_le_bytes(*B) }"
)]
#[case::in_a_range(
    "const D: &str = env!(\"CARGO_MANIFEST_DIR\"); static R: std::ops::Range<usize> = 3..D.len() + 1; fn said() -> String { format!(\"{R:?} {D}\") }"
)]
#[case::in_an_assertion(
    "const _: () = assert!(env!(\"CARGO_MANIFEST_DIR\").len() < 1000); fn said() -> u8 { 1 }"
)]
fn what_is_computed_from_the_path_is_right(#[case] code: &str) {
    let project = app(&format!(
        "{code}\nfn main() {{ println!(\"{{}}\", said()); }}\n"
    ))
    .committed();
    for checkout in checkouts(&project) {
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
        // A compile that is expected to contain the path.
        checkout.cargo(&["build"]).ok();
        checkout.append("crates/app/src/main.rs", "// edited\n");
        checkout.cargo(&["build"]).ok().rebuilt("app");
        says_the_same_uncached(&checkout);
    }
}

/// Text before the path, and text behind it.
#[requires(sccache)]
#[test]
fn a_path_inside_of_a_text_is_found() {
    let code = indoc! {r#"
        const URL: &str = concat!("file://", env!("CARGO_MANIFEST_DIR"), "/index.html");
        static URLS: [&str; 2] = [concat!("a:", env!("CARGO_MANIFEST_DIR")), "b"];
        fn main() { println!("in {}: {}", env!("CARGO_MANIFEST_DIR"), 5); println!("{} {} {:?} {}", URL, String::from(URL), URLS, concat!("[", env!("CARGO_MANIFEST_DIR"), "]").to_owned()); }
    "#};
    let project = app(code).committed();
    project.main().cargo(&["build"]).ok();
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok().all_hit();
        let said = says_the_same_uncached(&linked);
        assert_eq!(said.matches(linked.text()).count(), 5, "{said}");
    }
}

/// The compiler finds a file by the path, which may be in the program as well.
#[rstest]
#[requires(sccache)]
#[case::alone("")]
#[case::beside_the_path("println!(\"{}\", env!(\"CARGO_MANIFEST_DIR\"));")]
fn a_program_that_includes_a_file_by_the_path_is_shared(#[case] more: &str) {
    let code = format!(
        "const TEXT: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../a text\"));\n\
         static BYTES: &[u8] = include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/bytes\"));\n\
         fn main() {{ println!(\"{{TEXT}} {{}}\", BYTES.len()); {more} }}\n"
    );
    let project = app(&code)
        .file("crates/a text", "included")
        .file("crates/app/bytes", "12345")
        .committed();
    project.main().cargo(&["build"]).ok();
    project.main().cargo(&["build"]).ok().nothing_to_do();
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok().all_hit();
        linked.cargo(&["build"]).ok().nothing_to_do();
        assert!(says_the_same_uncached(&linked).starts_with("included 5\n"));
        linked.write("crates/a text", "another");
        linked.cargo(&["build"]).ok().rebuilt("app");
        assert!(says_the_same_uncached(&linked).starts_with("another 5\n"));
    }
}

/// The path of included code is that of the checkout in panics and debug information.
#[requires(sccache)]
#[test]
fn a_program_that_includes_code_by_the_path_is_right() {
    let code = "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/more.rs\"));\nfn main() { println!(\"{} {}\", more(), env!(\"CARGO_MANIFEST_DIR\")); }\n";
    let more =
        "fn more() -> String { format!(\"{} {}\", file!(), std::panic::Location::caller()) }\n";
    let project = app(code).file("crates/app/src/more.rs", more).committed();
    for checkout in checkouts(&project) {
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
        checkout.append("crates/app/src/main.rs", "// edited\n");
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// Macros find their files by the path.
#[requires(sccache)]
#[test]
fn macros_get_the_real_path() {
    let mac = "#[proc_macro] pub fn read(_: proc_macro::TokenStream) -> proc_macro::TokenStream { let path = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap() + \"/text\"; format!(\"{:?}\", std::fs::read_to_string(path).unwrap()).parse().unwrap() }\n";
    let code = "fn main() { println!(\"{} {}\", env!(\"CARGO_MANIFEST_DIR\"), mac::read!()); }\n";
    let project = Project::new()
        .with_store()
        .package("mac", PROC_MACRO, &[("src/lib.rs", mac)])
        .package(
            "app",
            &uses(&["mac"]),
            &[("src/main.rs", code), ("text", "read")],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok().all_hit();
        assert_eq!(
            says_the_same_uncached(&linked),
            format!("{}/crates/app read\n", linked.text())
        );
    }
}

/// `TokenStream::expand_expr` gives a macro what the compiler reads from the variable.
#[rstest]
#[requires(sccache)]
#[case::without_a_second_job("1")]
#[case::with_several_jobs("4")]
fn a_macro_that_expands_its_argument_gets_the_real_path(#[case] jobs: &str) {
    let mac = "#![feature(proc_macro_expand)]\n#[proc_macro] pub fn length(given: proc_macro::TokenStream) -> proc_macro::TokenStream { given.expand_expr().unwrap().to_string().len().to_string().parse().unwrap() }\n";
    let code = "fn main() { println!(\"{} {:?}\", mac::length!(env!(\"CARGO_MANIFEST_DIR\")), std::path::Path::new(env!(\"CARGO_MANIFEST_DIR\"))); }\n";
    let project = Project::new()
        .with_store()
        .package("mac", PROC_MACRO, &[("src/lib.rs", mac)])
        .package("app", &uses(&["mac"]), &[("src/main.rs", code)])
        .committed();
    for checkout in checkouts(&project) {
        let checkout = checkout
            .with("RUSTC_BOOTSTRAP", "1")
            .with("CARGO_BUILD_JOBS", jobs);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

#[requires(sccache)]
#[test]
fn a_comparison_finds_no_difference() {
    let project = app(USES).committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    let built = linked
        .with("SCCFG_WRAPPER", "verify")
        .cargo(&["build"])
        .ok();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    says_the_same_uncached(&linked);
}

/// A compile that fails shows no placeholder, and neither does one with a warning.
#[requires(sccache)]
#[test]
fn messages_have_the_real_path() {
    let code = "fn main() { let unused = 1; println!(\"{}\", env!(\"CARGO_MANIFEST_DIR\")); }\n";
    let project = app(code).committed();
    for checkout in checkouts(&project) {
        let built = checkout.cargo(&["build"]).ok();
        built
            .stderr_has("unused variable")
            .never_says("sccfg-workspace");
        checkout.edit(
            "crates/app/src/main.rs",
            "1;",
            "env!(\"CARGO_MANIFEST_DIR\") + 1;",
        );
        let failed = checkout.cargo(&["build"]).fails();
        failed.stderr_has("E0369").never_says("sccfg-workspace");
    }
}

#[requires(sccache)]
#[test]
fn a_seeded_worktree_has_its_own_path() {
    let project = app(USES).committed();
    project.main().cargo(&["build"]).ok();
    for linked in linked(&project) {
        seed(&linked);
        linked.cargo(&["build"]).ok().nothing_to_do();
        says_its_own_path(&linked);
    }
}

/// Optimised code may have computed something from the path.
#[requires(sccache)]
#[test]
fn an_optimised_program_is_right() {
    let project = app(USES).committed();
    for checkout in checkouts(&project) {
        let checkout = checkout.with("CARGO_PROFILE_DEV_OPT_LEVEL", "2");
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// The compiler escapes letters of such a path when it prints the expanded source.
#[requires(sccache)]
#[test]
fn a_path_with_other_letters_is_right() {
    let computed = "const N: usize = env!(\"CARGO_MANIFEST_DIR\").len();\nfn main() { println!(\"{} {N}\", env!(\"CARGO_MANIFEST_DIR\")); }\n";
    for code in [USES, computed] {
        let project = app(code).committed();
        for place in ["ö", "second", "a b/'c'/ü"] {
            let linked = project.linked(place);
            linked.cargo(&["build"]).ok();
            says_the_same_uncached(&linked);
        }
    }
}

#[rstest]
#[requires(sccache)]
#[case::binutils("-Clink-arg=-fuse-ld=bfd")]
#[case::without_debug_information("-Cdebuginfo=0")]
#[case::that_abort("-Cpanic=abort")]
#[case::with_one_codegen_unit("-Ccodegen-units=1")]
#[case::for_this_processor("-Ctarget-cpu=native")]
#[case::with_a_shared_standard_library("-Cprefer-dynamic")]
fn programs_with_other_options_are_shared(#[case] flag: &str) {
    let project = app(USES).committed();
    project
        .main()
        .with("RUSTFLAGS", flag)
        .cargo(&["build"])
        .ok();
    for linked in linked(&project) {
        let linked = linked.with("RUSTFLAGS", flag);
        linked.cargo(&["build"]).ok().all_hit();
        says_its_own_path(&linked);
    }
}
