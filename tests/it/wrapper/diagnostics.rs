//! What the compiler says, replayed: the words, the places, and the JSON that editors read.

use std::os::unix::fs::symlink;

use indoc::indoc;
use rstest::rstest;
use serde_json::Value;

use super::command::said;
use super::environment::{MACROS, PROC_MACRO};
use super::project::{Built, Checkout, Project, Store};

const LOW: &str = indoc! {r#"
    #[macro_export] macro_rules! odd { () => { let odd = 1; } }
    #[deprecated(note = "no more")] pub fn old() {}
    pub fn f(x: u32) -> u32 { let unused = x; x }
    mod part;
    #[must_use] pub fn must() -> u32 { 1 }
    pub struct S { pub a: u32 }
"#};
const HIGH: &str = indoc! {r#"
    include!(concat!(env!("OUT_DIR"), "/g.rs"));
    fn main() { low::old(); low::odd!(); low::must(); let x = 3; println!("{}", low::f(1)); g(); }
"#};
const SCRIPT: &str = indoc! {r#"
    fn main() { let out = std::env::var("OUT_DIR").unwrap();
    println!("cargo::warning=the script warns in {}", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    std::fs::write(format!("{out}/g.rs"), "pub fn g() { let made = 1; }").unwrap(); let unused = 1; }
"#};

/// Crates that warn: in a module, in generated source, through another crate's macro.
fn project() -> Project {
    let project = Project::new()
        .package(
            "low",
            "",
            &[("src/lib.rs", LOW), ("src/part.rs", "fn never() {}\n")],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\nfar = { path = \"../../far\" }\n",
            &[("src/main.rs", HIGH), ("build.rs", SCRIPT)],
        )
        .file(
            "far/Cargo.toml",
            "[package]\nname = \"far\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
        )
        .file(
            "far/src/lib.rs",
            "fn never() {}\npub fn two(x: u64) -> u64 { x }\n",
        );
    project
        .file(
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\nexclude = [\"far\"]\n",
        )
        .committed()
}

/// The lines of a build that are not cargo's own words.
fn compilers_words(said: &str) -> impl Iterator<Item = &str> {
    let own = [
        "Compiling",
        "Checking",
        "Finished",
        "Running",
        "Executable",
        "Blocking",
    ];
    said.lines().filter(move |line| {
        let plain = line.trim_start_matches(|it: char| !it.is_alphabetic());
        !own.iter().any(|word| plain.contains(word))
    })
}

/// These lines, sorted: units end in any order.
fn words(said: &str) -> Vec<&str> {
    let mut lines: Vec<_> = compilers_words(said).collect();
    lines.sort_unstable();
    lines
}

/// What is said of errors, in blocks: how far other crates got is chance.
fn errors(said: &str) -> Vec<String> {
    // What a build script warned of is told before or after, as it happens.
    let lines: Vec<_> = compilers_words(said)
        .filter(|line| !line.contains("` (") && !line.contains("the script warns"))
        .collect();
    let mut blocks: Vec<_> = lines
        .join("\n")
        .split("\n\n")
        .map(|block| block.trim_end().to_owned())
        .collect();
    blocks.retain(|block| block.contains("error"));
    blocks.sort();
    blocks
}

/// The messages of rustc, as JSON, sorted.
fn messages(built: &Built) -> Vec<String> {
    let lines = built.ran.stdout.lines();
    let mut all: Vec<_> = lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}")))
        .filter(|message| message["reason"] == "compiler-message")
        .map(|message| serde_json::to_string_pretty(&message).unwrap())
        .collect();
    all.sort();
    all
}

/// The same build with the cache and, in the same place, without.
fn both(checkout: &Checkout<'_>, args: &[&str]) -> (Built, Built) {
    let cached = checkout.cargo(args);
    checkout.clean();
    let uncached = checkout.uncached(args);
    checkout.clean();
    (cached, uncached)
}

#[requires(sccache)]
#[test]
fn warnings_are_replayed_as_in_an_uncached_build() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    for place in ["second", "a/b/deep"] {
        let linked = project.linked(place);
        linked
            .cargo(&["build"])
            .ok()
            .compiled_at_most(&["app bin"])
            .never_says("/main/");
        linked.clean();
        let (cached, uncached) = both(&linked, &["build"]);
        let (cached, uncached) = (cached.ok(), uncached.ok());
        assert!(
            cached.ran.stderr.contains("crates/low/src/part.rs:1:4"),
            "{:?}",
            cached.ran
        );
        assert_eq!(words(&cached.ran.stderr), words(&uncached.ran.stderr));
    }
}

#[requires(sccache)]
#[test]
fn json_messages_are_those_of_this_checkout() {
    for format in [
        "json",
        "json-diagnostic-rendered-ansi",
        "json,json-diagnostic-short",
    ] {
        let project = project();
        let format = format!("--message-format={format}");
        let args = ["build", &format];
        project.main().cargo(&args).ok();
        let second = project.linked("second");
        second.cargo(&args).ok().never_says("/main/");
        second.clean();
        let (cached, uncached) = both(&second, &args);
        let (ours, theirs) = (messages(&cached.ok()), messages(&uncached.ok()));
        assert!(theirs.len() > 5, "{theirs:?}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs);
        }
        assert_eq!(ours.len(), theirs.len());
    }
}

/// What cargo itself keeps, to say it again when nothing is compiled.
#[requires(sccache)]
#[test]
fn a_build_with_nothing_to_do_prints_warnings_again() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let first = second.cargo(&["build"]).ok();
    let again = second.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(words(&first.ran.stderr), words(&again.ran.stderr));
}

#[requires(sccache)]
#[test]
fn short_messages_and_colours_are_those_requested() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    for args in [
        &["build", "--message-format=short"][..],
        &["build", "--color=always"],
        &["check", "--color=never"],
    ] {
        let (cached, uncached) = both(&second, args);
        assert_eq!(
            words(&cached.ok().ran.stderr),
            words(&uncached.ok().ran.stderr)
        );
    }
}

/// No other build says what the compiler said of one.
#[requires(sccache)]
#[test]
fn a_requested_log_is_that_of_this_build() {
    let project = project();
    let main = project.main();
    let logged = |checkout: &Checkout<'_>| {
        let built = checkout.cargo(&["build"]).ok();
        checkout.clean();
        built.ran.stderr.matches("resolving crate").count()
    };
    assert_eq!(logged(&main), 0);
    let asking = main.with("RUSTC_LOG", "rustc_metadata::creader=info");
    let count = logged(&asking);
    assert!(count > 0);
    assert_eq!(logged(&asking), count);
    assert_eq!(logged(&main), 0);
}

/// Errors come from the real compiler, but through the same hands.
#[requires(sccache)]
#[test]
fn errors_point_into_this_checkout() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    for (file, from, to) in [
        ("crates/app/src/main.rs", "low::f(1)", "low::f(\"text\")"),
        (
            "crates/app/src/main.rs",
            "let x = 3",
            "let x = far::two(\"text\")",
        ),
        (
            "crates/app/src/main.rs",
            "let x = 3",
            "let x = low::S { b: 1 }",
        ),
        ("crates/low/src/part.rs", "never()", "never("),
        (
            "crates/app/build.rs",
            "let unused = 1",
            "let unused: u8 = 256",
        ),
    ] {
        let text = second.read(file);
        second.edit(file, from, to);
        for args in [&["build"][..], &["build", "--message-format=json"]] {
            let (cached, uncached) = both(&second, args);
            let (cached, uncached) = (cached.fails(), uncached.fails());
            if args.len() == 1 {
                assert_eq!(
                    errors(&cached.ran.stderr),
                    errors(&uncached.ran.stderr),
                    "{to}"
                );
            } else {
                let in_json = |built: &Built| {
                    let mut all = messages(built);
                    all.retain(|message| message.contains("\"level\": \"error\""));
                    all
                };
                assert_eq!(in_json(&cached), in_json(&uncached), "{to}");
            }
            assert!(!format!("{cached:?}").contains("/main/"), "{cached:?}");
        }
        second.write(file, &text);
    }
}

/// Build scripts that try what the compiler can do have it write to their own directory.
#[rstest]
#[requires(sccache)]
fn a_compile_that_fails_leaves_the_same_files(#[values(Store::On, Store::Off)] store: Store) {
    let main = "mod part;\nfn main() { let text: u8 = \"\"; }\n";
    let files = [("src/main.rs", main), ("src/part.rs", "")];
    let project = Project::new().with(store).package("app", "", &files);
    let project = project.committed();
    let main = project.main();
    let left = |built: Built| {
        built.fails();
        let names = main.left_in_deps("debug");
        let texts = names
            .iter()
            .map(|name| main.read(&format!("target/debug/deps/{name}")));
        let texts: Vec<_> = texts.collect();
        main.clean();
        (names, texts)
    };
    let cached = left(main.cargo(&["build"]));
    assert_eq!(cached.0.len(), 1, "{cached:?}");
    assert_eq!(cached, left(main.uncached(&["build"])));
}

#[requires(sccache)]
#[test]
fn levels_of_lints_make_another_build() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let manifest = second.read("crates/low/Cargo.toml");
    for (level, said) in [
        ("allow", false),
        ("warn", true),
        ("deny", true),
        ("warn", true),
    ] {
        let lints = format!("{manifest}\n[lints.rust]\ndead_code = \"{level}\"\n");
        second.write("crates/low/Cargo.toml", &lints);
        let built = second.cargo(&["build"]);
        assert_eq!(
            built.ran.code == Some(0),
            level != "deny",
            "{level}: {:?}",
            built.ran
        );
        let says = built.ran.stderr.contains("crates/low/src/part.rs");
        assert_eq!(says, said, "{level}: {:?}", built.ran);
    }
}

#[requires(sccache)]
#[test]
fn messages_that_are_not_utf8_are_passed_on() {
    let project = Project::new();
    let project = project
        .package("mac", PROC_MACRO, &[("src/lib.rs", MACROS)])
        .package(
            "low",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[(
                "src/lib.rs",
                "pub fn f() -> &'static str { mac::mumble!() }\n",
            )],
        )
        .committed();
    let main = project.main();
    let (cached, uncached) = both(&main, &["build"]);
    assert_eq!(
        cached.ran.code, uncached.ran.code,
        "{:?}\n{:?}",
        cached.ran, uncached.ran
    );
    let second = project.linked("second");
    let (cached, uncached) = both(&second, &["build"]);
    assert_eq!(
        cached.ran.code, uncached.ran.code,
        "{:?}\n{:?}",
        cached.ran, uncached.ran
    );
    let mumbled = |built: &Built| built.ran.stderr.matches("mumbled").count();
    assert_eq!(
        mumbled(&cached),
        mumbled(&uncached),
        "{:?}\n{:?}",
        cached.ran,
        uncached.ran
    );
}

#[requires(sccache)]
#[test]
fn clippy_says_the_same_in_a_second_worktree() {
    let project = Project::new();
    let project = project
        .package(
            "low",
            "",
            &[("src/lib.rs", "pub fn f(x: u32) -> u32 { return x; }\n")],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[(
                "src/main.rs",
                "fn main() { let x = low::f(1); println!(\"{}\", x.clone()); }\n",
            )],
        )
        .committed();
    project.main().cargo(&["clippy"]).ok();
    let second = project.linked("second");
    let (cached, uncached) = both(&second, &["clippy"]);
    assert!(
        cached.ran.stderr.contains("needless_return"),
        "{:?}",
        cached.ran
    );
    assert_eq!(
        words(&cached.ok().ran.stderr),
        words(&uncached.ok().ran.stderr)
    );
    // A build after it has the compiler's words only, and the other way round.
    let built = second.cargo(&["check"]).ok();
    assert!(
        !built.ran.stderr.contains("needless_return"),
        "{:?}",
        built.ran
    );
}

/// Clippy reads a file of its own.
#[requires(sccache)]
#[test]
fn clippys_settings_are_those_of_this_checkout() {
    let project = Project::new();
    let lib = "pub fn f(a: u8, b: u8, c: u8) -> u8 { a ^ b ^ c }\n";
    let project = project
        .package("low", "", &[("src/lib.rs", lib)])
        .committed();
    project.main().cargo(&["clippy"]).ok();
    let second = project.linked("second");
    second.write("clippy.toml", "too-many-arguments-threshold = 2\n");
    let said = second.cargo(&["clippy"]).ok().ran.stderr;
    assert!(said.contains("too many arguments"), "{said}");
    second.write("clippy.toml", "too-many-arguments-threshold = 3\n");
    let said = second.cargo(&["clippy"]).ok().ran.stderr;
    assert!(!said.contains("too many arguments"), "{said}");
    let third = project.linked("third");
    third.write(
        "crates/low/clippy.toml",
        "too-many-arguments-threshold = 1\n",
    );
    let said = third.cargo(&["clippy"]).ok().ran.stderr;
    assert!(said.contains("too many arguments"), "{said}");
}

/// As clippy does: `CLIPPY_CONF_DIR`, or else the nearest file above the package.
#[requires(sccache)]
#[test]
fn only_the_configuration_that_clippy_reads_counts() {
    let lib = "pub fn f(a: u8, b: u8, c: u8) -> u8 { a ^ b ^ c }\n";
    let threshold = |number: u8| format!("too-many-arguments-threshold = {number}\n");
    let project = Project::new()
        .with_store()
        .package("low", "", &[("src/lib.rs", lib)])
        .committed();
    let linked = |name: &str, nearest: Option<u8>, above: u8| {
        let checkout = project.linked(name);
        checkout.write("clippy.toml", &threshold(above));
        if let Some(nearest) = nearest {
            checkout.write("crates/low/clippy.toml", &threshold(nearest));
        }
        checkout
    };
    // Whether the result comes from the store.
    let is_found = |checkout: &Checkout<'_>, warns: bool| {
        let words = checkout.cargo(&["clippy"]).ok().ran.stderr;
        assert_eq!(words.contains("too many arguments"), warns, "{words}");
        said(checkout, &["report"]).contains("1 unit, 1 from a cache\n")
    };
    assert!(!is_found(&linked("first", Some(2), 7), true));
    // The file above is not read.
    assert!(is_found(&linked("second", Some(2), 3), true));
    assert!(!is_found(&linked("third", None, 3), false));
    // A directory that is found through a symbolic link.
    let fourth = linked("fourth", Some(2), 7);
    fourth.write("settings/here/empty", "");
    fourth.write("settings/clippy.toml", &threshold(1));
    symlink("settings/here", fourth.path("link")).unwrap();
    let fourth = fourth.with("CLIPPY_CONF_DIR", "link");
    assert!(!is_found(&fourth, true));
    fourth.clean();
    fourth.write("settings/clippy.toml", &threshold(4));
    assert!(!is_found(&fourth, false));
}

/// clippy looks for its configuration in the directories above the package. That does not count as what a macro reads.
#[requires(sccache)]
#[rstest]
#[case(&[])]
#[case(&[("clippy.toml", "too-many-arguments-threshold = 1\n")])]
fn clippys_result_for_code_with_macros_is_shared(#[case] config: &[(&str, &str)]) {
    let reads = "use proc_macro::TokenStream;\n#[proc_macro] pub fn zero(_: TokenStream) -> TokenStream { \
        std::fs::read_to_string(\"zero\").unwrap().parse().unwrap() }\n";
    let uses = "[dependencies]\nreads = { path = \"../reads\" }\n";
    let lib = "pub fn f(a: u8, b: u8) -> u8 { a ^ b ^ reads::zero!() }\n";
    let project = Project::new()
        .with_store()
        .package("reads", PROC_MACRO, &[("src/lib.rs", reads)])
        .package("low", uses, &[("src/lib.rs", lib)])
        .committed();
    let [first, second] = ["first", "a/b/second"].map(|place| project.linked(place));
    for linked in [&first, &second] {
        for (path, text) in [&[("zero", "0\n")], config].concat() {
            linked.write(path, text);
        }
        let words = linked.cargo(&["clippy"]).ok().ran.stderr;
        let warns = words.contains("too many arguments");
        assert_eq!(warns, !config.is_empty(), "{words}");
    }
    let report = said(&second, &["report"]);
    assert!(report.contains("3 units, 3 from a cache\n"), "{report}");
}

/// With `--no-deps`, clippy checks the packages that the command line selects. The link in a message can be left out.
#[requires(sccache)]
#[test]
fn clippy_checks_what_this_command_selects() {
    let project = Project::new()
        .package(
            "low",
            "",
            &[("src/lib.rs", "pub fn f(x: u32) -> u32 { return x; }\n")],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { low::f(1); }\n")],
        )
        .committed();
    let app = ["clippy", "-p", "app", "--", "--no-deps"];
    let said = project.main().cargo(&app).ok().ran.stderr;
    assert!(!said.contains("needless_return"), "{said}");
    let low = ["clippy", "-p", "low", "--", "--no-deps"];
    let said = project.linked("second").cargo(&low).ok().ran.stderr;
    assert!(said.contains("index.html#needless_return"), "{said}");
    let third = project
        .linked("third")
        .with("CLIPPY_DISABLE_DOCS_LINKS", "1");
    let said = third.cargo(&low).ok().ran.stderr;
    assert!(said.contains("unneeded `return`"), "{said}");
    assert!(!said.contains("index.html"), "{said}");
}

/// `cargo fix` stands before the compiler itself, and edits the sources.
#[requires(sccache)]
#[test]
fn fixes_are_made_in_this_checkout() {
    let lib = "pub fn f() -> u32 { let mut x = 1; x }\n";
    for command in ["fix", "clippy"] {
        let project = Project::new();
        let project = project
            .package("low", "", &[("src/lib.rs", lib)])
            .committed();
        let main = project.main();
        main.cargo(&["check"]).ok();
        main.cargo(&["clippy"]).ok();
        let second = project.linked("second");
        let args: &[&str] = if command == "fix" {
            &["fix"]
        } else {
            &["clippy", "--fix"]
        };
        second.cargo(args).ok();
        assert!(
            !second.read("crates/low/src/lib.rs").contains("mut"),
            "{command}"
        );
        assert!(
            main.read("crates/low/src/lib.rs").contains("mut"),
            "{command}"
        );
    }
}

/// A compile that failed is repeated without sccache, or with the real paths, if that may be the reason. The linker of binutils
/// prints paths.
#[rstest]
#[requires(sccache)]
fn a_program_with_an_undefined_symbol_is_compiled_once(
    #[values("", "-Clink-arg=-fuse-ld=bfd")] flags: &str,
) {
    let main = indoc! {r#"
        extern "C" { fn nowhere(); }
        fn main() { unsafe { nowhere() } }
    "#};
    let project = Project::new()
        .package("app", "", &[("src/main.rs", main)])
        .committed();
    let main = project.main().with("RUSTFLAGS", flags);
    let build = main.cargo_command(&["build"]).output().unwrap();
    let stderr = String::from_utf8(build.stderr).unwrap();
    assert!(
        !build.status.success() && stderr.contains("nowhere"),
        "{stderr}"
    );
    let place = format!("{}/crates/app/src/main.rs:2", main.text());
    assert!(flags.is_empty() || stderr.contains(&place), "{stderr}");
    assert_eq!(project.take_number_of_compiles(), 1, "{stderr}");
}
