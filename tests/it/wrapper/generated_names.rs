//! Names of generated source files in libraries, which panics and `Location::caller()` report.

use std::fs::{self, read_dir};
use std::os::unix::fs::DirEntryExt as _;

use indoc::indoc;
use rstest::rstest;

use super::out_dir::{made_by, says_the_same_uncached};
use super::project::{Checkout, Layout, Project, Store, succeeds};
use super::registry::{package, publish};
use super::seed::seed;

/// A build script that writes two modules.
const SCRIPT: &str = indoc! {r#"
    use std::{env, fs};
    fn main() {
        println!("cargo::rerun-if-changed=build.rs");
        let out = env::var("OUT_DIR").unwrap();
        fs::write(format!("{out}/g.rs"), "pub fn g(numbers: &[u64], nth: usize) -> u64 { match nth { 0 => numbers[nth], 1 => panic!(\"one\"), 2 => numbers.get(nth).copied().unwrap(), _ => numbers[0] / (numbers[0] - 7) } }\n#[inline] pub fn inlined(n: Option<u64>) -> u64 { n.unwrap() }\npub fn generic<T>(n: Option<T>) -> T { n.expect(\"some\") }").unwrap();
        fs::write(format!("{out}/another.rs"), "pub fn h(numbers: &[u64], nth: usize) -> u64 { numbers[nth + 100] }").unwrap();
    }
"#};
const LIBRARY: &str = indoc! {r#"
    include!(concat!(env!("OUT_DIR"), "/g.rs"));
    pub mod another { include!(concat!(env!("OUT_DIR"), "/another.rs")); }
    pub fn own(n: Option<u64>) -> u64 { n.unwrap() }
"#};
const MAIN: &str = indoc! {r#"
    use std::panic::catch_unwind;
    fn main() {
        std::panic::set_hook(Box::new(|info| println!("{}", info.location().unwrap())));
        let numbers: Vec<u64> = std::env::args().map(|_| 7).collect();
        for nth in 0..4 {
            println!("{:?}", catch_unwind(|| made::g(&numbers, nth)).is_ok());
        }
        let none = numbers.get(9).copied();
        println!("{:?}", catch_unwind(|| made::inlined(none)).is_ok());
        println!("{:?}", catch_unwind(|| made::generic(none.map(|n| [n; 3]))).is_ok());
        println!("{:?}", catch_unwind(|| made::another::h(&numbers, 0)).is_ok());
        println!("{:?}", catch_unwind(|| made::own(none)).is_ok());
    }
"#};
const USES: &str = "[dependencies]\nmade = { path = \"../made\" }\n";

/// A library with generated source, a library above it, and a program.
fn project() -> Project {
    let files = [("build.rs", SCRIPT), ("src/lib.rs", LIBRARY)];
    let above = "pub use made::*;\npub fn above(n: Option<u64>) -> u64 { made::generic(n) }\n";
    let uses = format!("{USES}above = {{ path = \"../above\" }}\n");
    let main = MAIN.replacen(
        "let none",
        "println!(\"{:?}\", catch_unwind(|| above::above(None)).is_ok());\n    let none",
        1,
    );
    Project::new()
        .package("made", "", &files)
        .package("above", USES, &[("src/lib.rs", above)])
        .package("app", &uses, &[("src/main.rs", &main)])
}

/// That the program names this checkout as often as it panics in generated source.
#[track_caller]
fn is_of(checkout: &Checkout<'_>, said: &str) {
    let inside = format!("{}/target/debug/build/", checkout.text());
    assert_eq!(said.matches(&inside).count(), 7, "{said}");
}

#[rstest]
#[requires(sccache)]
#[case::debug("s", "CARGO_PROFILE_DEV_OPT_LEVEL", "0")]
#[case::optimized("as/deep/as/can/be", "CARGO_PROFILE_DEV_OPT_LEVEL", "3")]
#[case::one_object("as/deep/as/can/be", "CARGO_PROFILE_DEV_CODEGEN_UNITS", "1")]
#[case::bfd("as/deep/as/can/be", "RUSTFLAGS", "-Clink-arg=-fuse-ld=bfd")]
fn libraries_with_panics_in_generated_source_are_shared(
    #[case] place: &str,
    #[case] name: &str,
    #[case] value: &str,
    #[values(Store::On, Store::Off)] store: Store,
) {
    let project = project().with(store).committed();
    let main = project.main().with(name, value);
    main.cargo(&["build"]).ok();
    is_of(&main, &says_the_same_uncached(&main));
    let second = project.linked(place).with(name, value);
    second.cargo(&["build"]).ok().all_hit();
    second.cargo(&["build"]).ok().nothing_to_do();
    is_of(&second, &second.says("app"));
    // What links the delivered libraries is shared as well.
    second.edit("crates/app/src/main.rs", "let none", "let _ = 5; let none");
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    let third = project.linked("third").with(name, value);
    third.edit("crates/app/src/main.rs", "let none", "let _ = 5; let none");
    third.cargo(&["build"]).ok().all_hit();
    is_of(&third, &says_the_same_uncached(&third));
    is_of(&second, &says_the_same_uncached(&second));
}

/// The copies that a link gets of such libraries are no files that a macro reads, wherever cargo puts the program.
#[rstest]
#[requires(sccache)]
fn an_example_above_a_library_that_exports_a_macro_is_shared(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let reads = "use proc_macro::TokenStream;\n#[proc_macro] pub fn answer(_: TokenStream) -> TokenStream { std::fs::read_to_string(\"answer.txt\").unwrap_or(\"42\".into()).parse().unwrap() }\n";
    let library = format!("pub use reads::answer;\n{LIBRARY}");
    let example = "fn main() { println!(\"{}\", made::g(&[8], 0)); }\n";
    let files = [("build.rs", SCRIPT), ("src/lib.rs", &library)];
    let uses = "[dependencies]\nreads = { path = \"../reads\" }\n";
    let examples = [
        ("src/main.rs", "fn main() {}\n"),
        ("examples/demo.rs", example),
    ];
    let project = Project::new()
        .package(
            "reads",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", reads)],
        )
        .package("made", uses, &files)
        .package("app", USES, &examples)
        .with_layout(layout)
        .committed();
    let build = ["build", "--example", "demo", "-p", "app"];
    project.main().cargo(&build).ok();
    // The directory with the copies has other files here.
    let second = project.linked("second");
    second.cargo(&["check", "--workspace"]).ok();
    second.cargo(&build).ok().all_hit();
}

/// A link gets copies of such libraries with placeholders. They are made once, and again when the library has changed.
#[requires(sccache)]
#[test]
fn links_share_the_copies_of_libraries() {
    let main = "fn main() { let _ = made::own(std::env::args().nth(1).map(|_| 1)); }\n";
    let project = project()
        .package("other", USES, &[("src/main.rs", main)])
        .committed();
    let main = project.main();
    main.cargo(&["build", "-p", "app"]).ok();
    let copies = |checkout: &Checkout<'_>| -> Vec<(String, u64)> {
        let files = read_dir(checkout.path("target/debug/deps/.sccfg/located")).unwrap();
        let files = files.map(Result::unwrap);
        let files = files.filter(|file| file.file_type().unwrap().is_file());
        let named = files.map(|file| (file.file_name().into_string().unwrap(), file));
        let mut found: Vec<_> = named.map(|(name, file)| (name, file.ino())).collect();
        found.sort_unstable();
        found
    };
    let first = copies(&main);
    // Two copies, and what they are copies of.
    assert_eq!(first.len(), 4, "{first:?}");
    main.cargo(&["build", "-p", "other"])
        .ok()
        .compiled(&["other bin"]);
    assert_eq!(copies(&main), first);
    main.edit("crates/made/build.rs", "7) } }", "7) } }\\n\\n");
    main.cargo(&["build"]).ok();
    let changed = copies(&main);
    let [new, old] = [&changed, &first].map(|copies| copies.iter().map(|(name, _)| name));
    assert!(new.eq(old), "{changed:?} {first:?}");
    assert_ne!(changed, first);
    is_of(&main, &says_the_same_uncached(&main));
}

/// The copies in a target directory that is copied with its checkout do not lead to the original.
#[requires(sccache)]
#[test]
fn a_copied_checkout_links_its_own_libraries() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let copy = project.checkout(project.sandbox.path("as/deep/as/can/be"));
    fs::create_dir_all(copy.directory.parent().unwrap()).unwrap();
    let mut cp = project.sandbox.command("cp");
    succeeds(cp.arg("-a").args([&main.directory, &copy.directory]));
    main.edit(
        "crates/above/src/lib.rs",
        "made::generic(n)",
        "made::generic(n) + 1",
    );
    main.cargo(&["build"]).ok();
    copy.edit("crates/app/src/main.rs", "let none", "let _ = 5; let none");
    copy.cargo(&["build"]).ok();
    is_of(&copy, &says_the_same_uncached(&copy));
}

/// A program in C that links a static library, whose generic code names the checkout.
#[rstest]
#[requires(sccache)]
fn a_static_library_names_this_checkout(#[values("0", "3")] level: &str) {
    let foreign = "#[unsafe(no_mangle)] pub extern \"C\" fn f() { let none = std::env::args().nth(99).map(|_| 1_u8); let _ = std::panic::catch_unwind(|| made::generic(none)); }\n";
    let kind = format!("[lib]\ncrate-type = [\"staticlib\"]\n{USES}");
    let project = project()
        .package("foreign", &kind, &[("src/lib.rs", foreign)])
        .file(
            "main.c",
            "void f(void); int main(void) { f(); return 0; }\n",
        )
        .committed();
    for checkout in [
        project.main(),
        project.linked("s"),
        project.linked("as/deep/as/can/be"),
    ] {
        let checkout = checkout.with("CARGO_PROFILE_DEV_OPT_LEVEL", level);
        checkout.cargo(&["build"]).ok();
        let mut cc = checkout.command("cc");
        let args = [
            "main.c",
            "target/debug/libforeign.a",
            "-lpthread",
            "-ldl",
            "-lm",
            "-o",
        ];
        succeeds(cc.args(args).arg(checkout.path("target/foreign")));
        let output = succeeds(&mut checkout.command(checkout.path("target/foreign")));
        let said = String::from_utf8(output.stderr).unwrap();
        let inside = format!(" {}/target/debug/build/made-", checkout.text());
        assert!(said.contains(&inside), "{said}");
    }
}

/// In these, not all that refers to a name is known, or it is in another form.
#[rstest]
#[requires(sccache)]
#[case::at_a_fixed_address("RUSTFLAGS", "-Crelocation-model=static")]
#[case::intermediate_code("RUSTFLAGS", "-Clinker-plugin-lto")]
#[case::packed_relocations("RUSTFLAGS", "-Clink-arg=-Wl,-z,pack-relative-relocs")]
#[case::fat("CARGO_PROFILE_DEV_LTO", "fat")]
#[case::thin("CARGO_PROFILE_DEV_LTO", "thin")]
fn other_libraries_name_this_checkout(#[case] name: &str, #[case] value: &str) {
    let project = project().committed();
    for checkout in [
        project.main(),
        project.linked("s"),
        project.linked("a/b/c/d"),
    ] {
        let checkout = checkout.with(name, value);
        checkout.cargo(&["build"]).ok();
        is_of(&checkout, &says_the_same_uncached(&checkout));
    }
}

#[rstest]
#[requires(sccache)]
fn a_seeded_worktree_has_its_own_names(
    #[values("s", "as/deep/as/can/be")] place: &str,
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = project().with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    for place in [place.to_owned(), format!("third/{place}/x")] {
        let linked = project.linked(&place);
        seed(&linked);
        linked.cargo(&["build"]).ok().nothing_to_do();
        let said = linked.says("app");
        is_of(&linked, &said);
        // A link of a seeded library.
        linked.edit("crates/app/src/main.rs", "let none", "let _ = 5; let none");
        linked.cargo(&["build"]).ok();
        is_of(&linked, &linked.says("app"));
        is_of(&linked, &says_the_same_uncached(&linked));
    }
}

/// cargo and rustdoc link what was delivered, without the wrapper.
#[requires(sccache)]
#[test]
fn what_links_without_the_wrapper_names_this_checkout() {
    let docs = "//! ```\n//! std::panic::set_hook(Box::new(|info| {\n//!     let place = info.location().unwrap().file().to_owned();\n//!     std::fs::write(std::env::var(\"SAID\").unwrap(), place).unwrap();\n//! }));\n//! let _ = std::panic::catch_unwind(|| made::g(&[], 0));\n//! ```\n";
    let project = project()
        .package("docs", USES, &[("src/lib.rs", docs)])
        .committed();
    for place in ["main", "s", "as/deep/as/can/be"] {
        let checkout = match place {
            "main" => project.main(),
            _ => project.linked(place),
        };
        let said = checkout.path("said");
        let checkout = checkout.with("SAID", said.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
        checkout.cargo(&["test", "-p", "docs"]).ok();
        let said = checkout.read("said");
        assert!(said.starts_with(checkout.text()), "{said}");
        assert!(said.ends_with("/out/g.rs"), "{said}");
        checkout.edit("crates/app/src/main.rs", "let none", "let _ = 5; let none");
        checkout.uncached(&["build"]).ok().compiled(&["app bin"]);
        let said = checkout.says("app");
        let inside = format!("{}/target", checkout.text());
        // All but those that the program has by itself.
        assert!(said.matches(&inside).count() >= 4, "{said}");
    }
}

/// A program that gets no key is linked by the wrapper all the same.
#[rstest]
#[requires(sccache)]
#[case::incremental("CARGO_INCREMENTAL", "1")]
#[case::switched_off("SCCFG_WRAPPER", "off")]
#[case::without_the_store("SCCFG_STORE", "off")]
#[case::without_a_key("RUSTFLAGS", "-Crpath")]
fn programs_above_shared_libraries_name_this_checkout(#[case] name: &str, #[case] value: &str) {
    let project = project().committed();
    for place in ["main", "s", "as/deep/as/can/be"] {
        let checkout = match place {
            "main" => project.main(),
            _ => project.linked(place),
        };
        checkout.cargo(&["build"]).ok();
        checkout.edit("crates/app/src/main.rs", "let none", "let _ = 5; let none");
        let checkout = checkout.with(name, value);
        checkout.cargo(&["build"]).ok();
        is_of(&checkout, &says_the_same_uncached(&checkout));
    }
}

/// As clang-sys and crates with bindings are. The linker of binutils keeps names that no location refers to.
#[rstest]
#[requires(sccache)]
fn published_libraries_are_shared(
    #[values("s", "as/deep/as/can/be")] place: &str,
    #[values("", "-Clink-arg=-fuse-ld=bfd")] flags: &str,
) {
    let project = Project::new();
    let files = [("build.rs", SCRIPT), ("src/lib.rs", LIBRARY)];
    package(&project, "made", "", &files);
    publish(&project, &["made"]);
    let script = "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    if let Err(_) = std::panic::catch_unwind(|| made::g(&[], 5)) { println!(\"cargo::rustc-env=PANICS=yes\"); }\n}\n";
    let uses = "[dependencies]\nmade = \"0.1\"\n[build-dependencies]\nmade = \"0.1\"\n";
    let main = format!("{MAIN}const _: &str = env!(\"PANICS\");\n");
    let project = project
        .package("app", uses, &[("src/main.rs", &main), ("build.rs", script)])
        .committed();
    project
        .main()
        .with("RUSTFLAGS", flags)
        .cargo(&["build"])
        .ok();
    let second = project.linked(place).with("RUSTFLAGS", flags);
    second.cargo(&["build"]).ok().all_hit();
    let said = says_the_same_uncached(&second);
    let inside = format!("{}/target/debug/build/", second.text());
    assert_eq!(said.matches(&inside).count(), 6, "{said}");
}

/// Sources that are included by their whole path have it in the locations of panics as well.
#[rstest]
#[requires(sccache)]
fn sources_that_are_included_by_their_whole_path(
    #[values("s", "as/deep/as/can/be")] place: &str,
    #[values("n[nth]", "println!(\"{}\", file!()); n[nth]")] body: &str,
) {
    let more = format!("pub fn more(n: &[u8], nth: usize) -> u8 {{ {body} }}");
    let files = [
        (
            "src/lib.rs",
            "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/more/more.rs\"));\n",
        ),
        ("more/more.rs", more.as_str()),
    ];
    let main = "fn main() { std::panic::set_hook(Box::new(|info| println!(\"{}\", info.location().unwrap()))); println!(\"{:?}\", std::panic::catch_unwind(|| made::more(&[1], std::env::args().count())).is_ok()); }\n";
    let project = Project::new()
        .package("made", "", &files)
        .package("app", USES, &[("src/main.rs", main)])
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked(place);
    let built = second.cargo(&["build"]).ok();
    if body == "n[nth]" {
        built.all_hit();
    }
    let said = says_the_same_uncached(&second);
    assert!(
        said.contains(&format!("{}/crates/made/more", second.text())),
        "{said}"
    );
}

/// What a library makes of the name of its generated source while it is compiled, nobody could put right afterwards.
#[rstest]
#[requires(sccache)]
#[case::a_sum(
    "pub fn made(_: u32) -> u32 { const S: u32 = { let b = file!().as_bytes(); let mut s = 0; let mut i = 0; while i < b.len() { s = s * 3 % 65_521 + b[i] as u32; i += 1 } s }; S }"
)]
#[case::the_length_of_a_location(
    "pub fn made(n: u32) -> usize { const N: usize = std::panic::Location::caller().file().len(); if n > 1 { panic!() } N }"
)]
#[case::the_length_of_a_location_in_a_function(
    "pub fn made(n: u32) -> usize { const N: usize = super::length(); if n > 1 { panic!() } N }"
)]
#[case::a_constant_name(
    "pub const NAME: &str = file!(); pub fn made(n: u32) -> usize { if n > 1 { panic!() } NAME.len() }"
)]
#[case::a_location_that_is_known(
    "pub fn made(n: u32) -> &'static str { if n > 1 { panic!() } std::panic::Location::caller().file() }"
)]
#[case::a_location_that_a_function_knows(
    "pub fn made(n: u32) -> &'static str { if n > 1 { panic!() } super::place() }"
)]
#[case::a_location_in_a_static(
    "pub static PLACE: &std::panic::Location<'static> = super::here(); pub fn made(n: u32) -> &'static str { if n > 1 { panic!() } PLACE.file() }"
)]
fn what_a_library_computes_from_its_name_is_that_of_this_checkout(#[case] generated: &str) {
    let script = format!(
        "use std::{{env, fs}};\nfn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    let out = env::var(\"OUT_DIR\").unwrap();\n    fs::write(format!(\"{{out}}/g.rs\"), {generated:?}).unwrap();\n}}\n"
    );
    let functions = [
        (
            "super::length",
            "#[track_caller] const fn length() -> usize { std::panic::Location::caller().file().len() }\n",
        ),
        (
            "super::place",
            "#[track_caller] #[inline(always)] fn place() -> &'static str { std::panic::Location::caller().file() }\n",
        ),
        (
            "super::here",
            "#[track_caller] const fn here() -> &'static std::panic::Location<'static> { std::panic::Location::caller() }\n",
        ),
    ];
    let mut library = "pub mod g { include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\")); }\n".to_owned();
    for (_, function) in functions
        .iter()
        .filter(|(name, _)| generated.contains(name))
    {
        library.push_str(function);
    }
    let main = "fn main() { for n in 0..std::env::args().count() as u32 { println!(\"{} {:?}\", made::g::made(n), std::panic::catch_unwind(|| println!(\"{}\", made::g::made(n + 2))).is_ok()); } }\n";
    let files = [("build.rs", script.as_str()), ("src/lib.rs", &library)];
    let project = Project::new()
        .package("made", "", &files)
        .package("app", USES, &[("src/main.rs", main)])
        .committed();
    for level in ["0", "3"] {
        for place in ["main", "second", "as/deep/as/can/be"] {
            let path = format!("{level}/{place}");
            let checkout = match place {
                "main" => project.main(),
                _ => project.linked(&path),
            };
            let checkout = checkout.with("CARGO_PROFILE_DEV_OPT_LEVEL", level);
            checkout.cargo(&["build"]).ok();
            says_the_same_uncached(&checkout);
        }
    }
}

/// Functions that get the location of their caller, in another crate.
const CALLED: &str = indoc! {r"
    use std::panic::Location;
    #[derive(Debug)]
    pub struct Place(pub &'static Location<'static>);
    impl From<u8> for Place {
        #[inline]
        #[track_caller]
        fn from(_: u8) -> Self { Self(Location::caller()) }
    }
    #[inline]
    #[track_caller]
    pub fn here() -> Place { Place(Location::caller()) }
    #[inline]
    #[track_caller]
    pub const fn length() -> usize { Location::caller().file().len() }
    #[macro_export]
    macro_rules! length { () => { $crate::length() } }
"};

/// A package with generated source that calls one above, and a program.
fn project_of_calls(generated: &str, made: &str) -> Project {
    let generated = format!("{generated}\npub fn panics(n: Option<u64>) -> u64 {{ n.unwrap() }}\n");
    let script = format!(
        "use std::{{env, fs}};\nfn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    let out = env::var(\"OUT_DIR\").unwrap();\n    fs::write(format!(\"{{out}}/g.rs\"), {generated:?}).unwrap();\n}}\n"
    );
    let library = "pub mod g { include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\")); }\n";
    let main = format!(
        "fn main() {{ println!(\"{{:?}}\", {made}); std::panic::set_hook(Box::new(|info| println!(\"{{}}\", info.location().unwrap()))); let none = std::env::args().nth(9).map(|_| 1); println!(\"{{:?}}\", std::panic::catch_unwind(|| made::g::panics(none)).is_ok()); }}\n"
    );
    Project::new()
        .package("called", "", &[("src/lib.rs", CALLED)])
        .package(
            "made",
            "[dependencies]\ncalled = { path = \"../called\" }\n",
            &[("build.rs", script.as_str()), ("src/lib.rs", library)],
        )
        .package("app", USES, &[("src/main.rs", &main)])
        .committed()
}

/// What another crate makes of the name of its caller, and what others make of that, is computed in constants and in optimized code.
#[rstest]
#[requires(sccache)]
#[case::in_a_constant(
    "pub fn made() -> usize { const N: usize = called::length(); N }",
    "made::g::made()"
)]
#[case::in_a_function("pub fn made() -> usize { called::length() }", "made::g::made()")]
#[case::in_a_generic_function(
    "pub fn made<T>(_: T) -> usize { called::length() }",
    "made::g::made(1)"
)]
#[case::in_a_program(
    "#[inline] pub fn made() -> called::Place { called::here() }",
    "made::g::made().0.file()"
)]
#[case::by_a_macro("pub fn made() -> usize { called::length!() }", "made::g::made()")]
#[case::by_a_conversion(
    "#[inline] pub fn made() -> Result<(), called::Place> { Err(1)? }",
    "made::g::made().unwrap_err().0.file().len()"
)]
fn what_a_called_function_computes_from_the_name_is_that_of_this_checkout(
    #[case] generated: &str,
    #[case] made: &str,
    #[values("0", "3")] level: &str,
) {
    let project = project_of_calls(generated, made);
    for place in ["main", "s", "as/deep/as/can/be"] {
        let checkout = match place {
            "main" => project.main(),
            _ => project.linked(place),
        };
        let checkout = checkout.with("CARGO_PROFILE_DEV_OPT_LEVEL", level);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// Other generated source does not call the functions that get the location of their caller.
#[requires(sccache)]
#[test]
fn generated_source_that_does_not_give_its_location_is_shared() {
    let project = project_of_calls("pub fn made() -> usize { 1 }", "made::g::made()");
    project.main().cargo(&["build"]).ok();
    let second = project.linked("as/deep/as/can/be");
    second.cargo(&["build"]).ok().all_hit();
    says_the_same_uncached(&second);
}

/// A message of the linker has no name of a copy.
#[requires(sccache)]
#[test]
fn failed_links_name_the_libraries_where_cargo_has_them() {
    let main = "extern \"C\" { fn nowhere(); }\nfn main() { println!(\"{}\", made::g(&[], 0)); unsafe { nowhere() } }\n";
    let project = project()
        .package("fails", USES, &[("src/main.rs", main)])
        .committed();
    let main = project.main();
    let said = main.cargo(&["build", "-p", "fails"]).fails().ran.stderr;
    assert!(said.contains("nowhere"), "{said}");
    assert!(!said.contains("/located/"), "{said}");
    assert!(!said.contains("sccfg-target"), "{said}");
}

/// Constants that look like the entries of a table of names, at all distances, are none unless code refers to the table.
#[requires(sccache)]
#[test]
fn constants_that_look_like_offsets_to_names_are_none() {
    let script = "for name in [\"g\", \"h\"] { fs::write(format!(\"{out}/{name}.rs\"), format!(\"pub fn {name}(numbers: &[u64], nth: usize) -> u64 {{ numbers[nth + 100] }}\")).unwrap(); }";
    let main = indoc! {r#"
        include!(concat!(env!("OUT_DIR"), "/g.rs"));
        mod h { include!(concat!(env!("OUT_DIR"), "/h.rs")); }
        /// Above and below, for each alignment of a name.
        const fn offsets(forward: i32) -> [[i32; 400]; 4] {
            let mut all = [[0; 400]; 4];
            let mut align = 0;
            while align < 4 {
                let mut nth = 0;
                while nth < 400 {
                    all[align][nth] = (forward * 512 - 4) * nth as i32 + align as i32;
                    nth += 1;
                }
                align += 1;
            }
            all
        }
        #[used]
        static ABOVE: [[i32; 400]; 4] = offsets(1);
        #[used]
        static BELOW: [[i32; 400]; 4] = offsets(-1);
        fn main() {
            std::panic::set_hook(Box::new(|info| println!("{}", info.location().unwrap())));
            let numbers: Vec<u64> = std::env::args().map(|_| 7).collect();
            println!("{:?}", std::panic::catch_unwind(|| g(&numbers, 0)).is_ok());
            println!("{:?}", std::panic::catch_unwind(|| h::h(&numbers, 0)).is_ok());
        }
    "#};
    let project = made_by(script, main).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("as/deep/as/can/be");
    second.cargo(&["build"]).ok().all_hit();
    let said = says_the_same_uncached(&second);
    let inside = format!("{}/target", second.text());
    assert_eq!(said.matches(&inside).count(), 2, "{said}");
}
