//! The crates above a library that contains the path of the checkout are shared. rustc's hash of that library is another one in
//! each checkout, and is in the metadata of all crates above.

use indoc::indoc;
use rstest::rstest;

use super::differential::said;
use super::project::{Checkout, Project, Store, uses};
use super::registry::{lock, package, publish, with_home};
use super::seed::seed;

/// Says where its assets are, in a way that ties it to its path.
const BASE: &str = indoc! {r#"
    pub fn assets() -> &'static str { std::convert::identity(concat!(env!("CARGO_MANIFEST_DIR"), "/assets")) }
    #[inline] pub fn number() -> u8 { 1 }
    #[derive(Debug)] pub struct Number<T>(pub T);
"#};
const MID: &str = indoc! {r#"
    pub use base::number;
    pub fn assets() -> String { format!("{} {:?}", base::assets(), base::Number(number())) }
"#};
const TOP: &str = "pub fn said() -> String { format!(\"{} {}\", mid::assets(), mid::number()) }\n";
const MAIN: &str = "fn main() { println!(\"{}\", top::said()); }\n";
const BUILD: [&str; 2] = ["build", "--workspace"];

/// A program above three libraries, the lowest of which has this source.
fn project(store: Store, base: &str) -> Project {
    above(
        Project::new()
            .with(store)
            .package("base", "", &[("src/lib.rs", base)]),
    )
}

/// Adds the program and the libraries above `base`.
fn above(project: Project) -> Project {
    above_with(project, "")
}

/// The same, with these lines in the manifest of `mid`.
fn above_with(project: Project, of_mid: &str) -> Project {
    let of_mid = format!("{}{of_mid}", uses(&["base"]));
    project
        .package("mid", &of_mid, &[("src/lib.rs", MID)])
        .package("top", &uses(&["mid"]), &[("src/lib.rs", TOP)])
        .package("app", &uses(&["top"]), &[("src/main.rs", MAIN)])
        .committed()
}

/// Fails unless the program says the same as one that was compiled there without a cache.
#[track_caller]
fn says_the_same_uncached(checkout: &Checkout<'_>) {
    let said = checkout.says("app");
    assert!(said.contains(checkout.text()), "{said}");
    let judge = checkout.with("CARGO_TARGET_DIR", "judged");
    judge.uncached(&BUILD).ok();
    let judged = judge.says_of(&checkout.path("judged/debug/app"), &[]);
    assert_eq!(said, judged);
}

#[rstest]
#[requires(sccache)]
fn only_what_contains_the_path_is_compiled(#[values(Store::On, Store::Off)] store: Store) {
    let project = project(store, BASE);
    project.main().cargo(&BUILD).ok();
    for place in ["second", "a/b/deeper"] {
        let checkout = project.linked(place);
        let built = checkout.cargo(&BUILD).ok();
        built.compiled(&["app bin", "base lib"]);
        checkout.cargo(&BUILD).ok().nothing_to_do();
        says_the_same_uncached(&checkout);
    }
}

/// rustc writes the name of a crate in several ways: as a text, as the place of an item with the same name, or, if it has a number
/// for the name, as that.
#[rstest]
#[requires(sccache)]
#[case::of_a_module("base", "mid", "top", "pub mod mid {}\n")]
#[case::of_modules(
    "base",
    "mid",
    "top",
    "pub mod base {}\npub mod mid { pub mod top {} }\n"
)]
#[case::with_a_number("console", "ignore", "quote", "")]
#[case::with_a_hyphen("a-base", "a-mid", "a-top", "pub mod a_mid {}\n")]
fn the_name_of_a_crate_may_be_any(
    #[case] base: &str,
    #[case] mid: &str,
    #[case] top: &str,
    #[case] more: &str,
) {
    let uses = |name: &str, alias: &str| {
        format!("[dependencies]\n{alias} = {{ path = \"../{name}\", package = \"{name}\" }}\n")
    };
    let low = format!("{BASE}{more}");
    let middle = MID.replace("base::", "low::") + more;
    let project = Project::new()
        .package(base, "", &[("src/lib.rs", &low)])
        .package(mid, &uses(base, "low"), &[("src/lib.rs", &middle)])
        .package(top, &uses(mid, "mid"), &[("src/lib.rs", TOP)])
        .package("app", &uses(top, "top"), &[("src/main.rs", MAIN)])
        .committed();
    project.main().cargo(&BUILD).ok();
    let second = project.linked("a/second");
    let base = format!("{} lib", base.replace('-', "_"));
    let built = second.cargo(&BUILD).ok();
    built.compiled_at_most(&["app bin", &base]);
    says_the_same_uncached(&second);
}

/// What was compiled first, and what was found later, have the same keys.
#[rstest]
#[requires(sccache)]
fn a_clean_build_hits(#[values("library", "source")] what: &str) {
    let reads = "println!(\"cargo::rerun-if-changed=build.rs\");";
    let writes = r#"std::fs::write(format!("{}/g.rs", std::env::var("OUT_DIR").unwrap()), "pub fn g() -> &'static str { file!() }").unwrap();"#;
    let script = format!("fn main() {{ {reads} {writes} }}");
    let generated = "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n\
        pub fn assets() -> &'static str { g() }\npub fn number() -> u8 { 2 }\n\
        #[derive(Debug)] pub struct Number<T>(pub T);\n";
    let project = match what {
        "source" => project(Store::On, generated)
            .file("crates/base/build.rs", &script)
            .committed(),
        _ => project(Store::On, BASE),
    };
    let main = project.main();
    main.cargo(&BUILD).ok();
    main.clean();
    main.cargo(&BUILD).ok().all_hit();
    main.clean();
    main.cargo(&BUILD).ok().all_hit();
}

/// What [`MID`] uses besides the path.
const NUMBERS: &str =
    "pub fn number() -> u8 { 2 }\n#[derive(Debug)] pub struct Number<T>(pub T);\n";
const ASSETS: &str =
    "pub fn assets() -> String { format!(\"{} {}\", env!(\"CARGO_MANIFEST_DIR\"), VALUE) }\n";

/// Nothing but a value in the metadata depends on the path of a source, which rustc would replace.
#[rstest]
#[requires(sccache)]
#[case::of_an_absolute_include(
    "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/more.rs\"));",
    "pub const VALUE: usize = file!().len();"
)]
#[case::of_the_text_of_an_absolute_include(
    "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/more.rs\"));",
    "pub const VALUE: &str = file!();"
)]
#[case::of_a_caller(
    "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/more.rs\"));",
    "pub const VALUE: usize = at(); #[track_caller] const fn at() -> usize { std::panic::Location::caller().file().len() }"
)]
#[case::of_generated_source(
    "macro_rules! here { () => { file!() } } include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));",
    "pub const VALUE: usize = here!().len();"
)]
#[case::by_a_macro_of_another_library(
    "macro_rules! mine { () => { helpers::here!() } } include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));",
    "pub const VALUE: usize = mine!().len();"
)]
#[case::by_a_function_of_another_library(
    "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));",
    "pub const VALUE: usize = helpers::at();"
)]
#[case::by_a_macro(
    "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));",
    "pub const VALUE: &str = mac::whose!();"
)]
fn a_value_from_the_path_of_a_source_is_that_of_this_checkout(
    #[case] root: &str,
    #[case] more: &str,
) {
    let script = "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::copy(\"src/more.rs\", out + \"/g.rs\").unwrap(); }";
    let mac = indoc! {r#"
        #[proc_macro]
        pub fn whose(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
            let is_own = proc_macro::Span::call_site().file().contains("/target/debug/build/");
            format!("{:?}", if is_own { "own" } else { "other" }).parse().unwrap()
        }
    "#};
    let helpers = "#[macro_export] macro_rules! here { () => { file!() } }\n#[track_caller] pub const fn at() -> usize { std::panic::Location::caller().file().len() }\n";
    let root = format!("{root}\n{NUMBERS}{ASSETS}");
    let files = [
        ("src/lib.rs", &*root),
        ("src/more.rs", more),
        ("build.rs", script),
    ];
    let project = Project::new()
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", mac)])
        .package("helpers", "", &[("src/lib.rs", helpers)])
        .package("base", &uses(&["mac", "helpers"]), &files);
    let project = above(project);
    for place in ["main", "second", "a/b/deeper"] {
        let checkout = match place {
            "main" => project.main(),
            place => project.linked(place),
        };
        checkout.cargo(&BUILD).ok();
        let said = checkout.says("app");
        checkout.clean();
        checkout.uncached(&BUILD).ok();
        assert_eq!(said, checkout.says("app"), "{place}");
    }
}

/// Generated source that asks for no path does not keep crates above from being shared.
#[requires(sccache)]
#[test]
fn harmless_generated_source_is_no_obstacle() {
    let script = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(out + \"/g.rs\", \"pub const VALUE: &str = concat!(1, 2); pub fn info(error: bool) -> bool { !(error) }\").unwrap(); }";
    let root = format!(
        "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n{NUMBERS}\
         pub fn assets() -> &'static str {{ std::convert::identity(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/assets\")) }}\n\
         pub fn other() -> &'static str {{ file!() }}\n"
    );
    let project = project(Store::On, &root)
        .file("crates/base/build.rs", script)
        .committed();
    project.main().cargo(&BUILD).ok();
    for place in ["second", "a/b/deeper"] {
        let checkout = project.linked(place);
        checkout
            .cargo(&BUILD)
            .ok()
            .compiled(&["app bin", "base lib"]);
        says_the_same_uncached(&checkout);
    }
}

#[requires(sccache)]
#[test]
fn packages_of_a_registry_are_shared_above_one_that_names_its_directory() {
    let project = Project::new();
    let low = "pub fn text() -> &'static str { concat!(env!(\"OUT_DIR\"), \"/made\") }\n";
    let high = "pub fn text() -> String { lowcrate::text().to_owned() }\n";
    let script = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n";
    package(
        &project,
        "lowcrate",
        "",
        &[("src/lib.rs", low), ("build.rs", script)],
    );
    let uses = |name: &str| format!("[dependencies]\n{name} = \"0.1\"\n");
    package(
        &project,
        "highcrate",
        &uses("lowcrate"),
        &[("src/lib.rs", high)],
    );
    publish(&project, &["lowcrate", "highcrate"]);
    let main = "fn main() { println!(\"{}\", highcrate::text()); }\n";
    let project = project.package("app", &uses("highcrate"), &[("src/main.rs", main)]);
    lock(&project);
    let project = project.committed();
    let first = with_home(&project, &project.main(), "cargo-home");
    first.cargo(&["build"]).ok();
    first.clean();
    first.cargo(&["build"]).ok().all_hit();
    let second = project.linked("a/second");
    let second = with_home(&project, &second, "cargo-home");
    let built = second.cargo(&["build"]).ok();
    built.compiled(&["app bin", "lowcrate lib"]);
    let said = second.says("app");
    assert!(said.starts_with(second.text()), "{said}");
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(said, second.says("app"));
}

/// rustc accepts the crates from the cache below those that it compiles.
#[requires(sccache)]
#[test]
fn an_edit_above_compiles_only_that() {
    let project = project(Store::On, BASE);
    project.main().cargo(&BUILD).ok();
    let second = project.linked("second");
    second.cargo(&BUILD).ok();
    second.append("crates/top/src/lib.rs", "pub fn more() {}\n");
    second.cargo(&BUILD).ok().compiled(&["app bin", "top lib"]);
    says_the_same_uncached(&second);
    // Its own hash is another one in each checkout as well, if it was compiled there.
    second.append("crates/mid/src/lib.rs", "pub fn more() {}\n");
    let built = second.cargo(&BUILD).ok();
    built.compiled(&["app bin", "mid lib", "top lib"]);
    says_the_same_uncached(&second);
    let third = project.linked("third");
    for name in ["mid", "top"] {
        third.append(&format!("crates/{name}/src/lib.rs"), "pub fn more() {}\n");
    }
    third.cargo(&BUILD).ok().compiled(&["app bin", "base lib"]);
    says_the_same_uncached(&third);
}

/// What another crate gets from the library counts, also if the crate in between does not change.
#[rstest]
#[requires(sccache)]
#[case::of_a_function_in_metadata("number() -> u8 { 1 }", "number() -> u8 { 2 }")]
#[case::of_a_type(
    "struct Number<T>(pub T)",
    "struct Number<T>(pub T, pub ()) where T: Sized"
)]
fn a_change_below_counts(#[case] from: &str, #[case] to: &str) {
    let project = project(Store::On, BASE);
    project.main().cargo(&BUILD).ok();
    let second = project.linked("second");
    second.cargo(&BUILD).ok();
    second.edit("crates/base/src/lib.rs", from, to);
    if to.contains("()") && to.contains("struct") {
        second.edit(
            "crates/mid/src/lib.rs",
            "Number(number())",
            "Number(number(), ())",
        );
    }
    second.cargo(&BUILD).ok();
    says_the_same_uncached(&second);
}

/// A check compiles no code, and a function that nothing calls is not compiled either.
#[rstest]
#[requires(sccache)]
#[case::in_a_check("check", &BASE.replace("pub fn assets", "#[inline(never)] pub fn assets"))]
#[case::in_unused_code(
    "build",
    "#[allow(dead_code)] fn unused() -> usize { env!(\"CARGO_MANIFEST_DIR\").len() }\n\
     pub fn assets() -> u8 { 1 }\npub fn number() -> u8 { 2 }\n\
     #[derive(Debug)] pub struct Number<T>(pub T);\n"
)]
fn a_path_that_is_not_in_the_output_may_count(#[case] command: &str, #[case] base: &str) {
    let project = project(Store::On, base);
    let build = [command, "--workspace"];
    project.main().cargo(&build).ok();
    let second = project.linked("a/second");
    let contains_path = ["app bin", "base lib"];
    second.cargo(&build).ok().compiled_at_most(&contains_path);
    second.append("crates/top/src/lib.rs", "pub fn more() {}\n");
    second.cargo(&build).ok().compiled(&["app bin", "top lib"]);
}

/// If the metadata has the path, so may what is compiled from it.
#[rstest]
#[requires(sccache)]
#[case::inlined("pub fn assets", "#[inline] pub fn assets")]
#[case::of_a_constant(
    "pub fn assets() -> &'static str { std::convert::identity(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/assets\")) }",
    "pub const ASSETS: &str = concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/assets\");\n\
     #[inline] pub fn assets() -> &'static str { ASSETS }"
)]
#[case::of_its_length(
    "#[inline] pub fn number() -> u8 { 1 }",
    "pub const LENGTH: usize = env!(\"CARGO_MANIFEST_DIR\").len();\n\
     pub fn sized() -> [u8; LENGTH] { [0; LENGTH] }\n\
     #[inline] pub fn number() -> usize { LENGTH + sized().len() }"
)]
fn a_path_in_metadata_is_that_of_this_checkout(#[case] from: &str, #[case] to: &str) {
    let base = BASE.replace(from, to);
    assert_ne!(base, BASE);
    let project = project(Store::On, &base);
    project.main().cargo(&BUILD).ok();
    for place in ["second", "a/b/deeper"] {
        let checkout = project.linked(place);
        checkout.cargo(&BUILD).ok();
        says_the_same_uncached(&checkout);
    }
}

/// In a release build, rustc inlines small functions of other crates.
#[requires(sccache)]
#[test]
fn an_optimized_program_has_the_path_of_this_checkout() {
    let project = project(Store::On, BASE);
    let build = ["build", "--release", "--workspace"];
    project.main().cargo(&build).ok();
    let deeper = project.linked("a/b/deeper");
    deeper.cargo(&build).ok();
    let said = deeper.says_of(&deeper.path("target/release/app"), &[]);
    assert!(said.starts_with(deeper.text()), "{said}");
}

/// A dynamic library and a procedural macro have the hashes of the crates that they were linked from.
#[requires(sccache)]
#[test]
fn linked_libraries_fit_the_crates_of_this_checkout() {
    let dynamic = format!("[lib]\ncrate-type = [\"dylib\"]\n{}", uses(&["mid"]));
    let macros = format!("[lib]\nproc-macro = true\n{}", uses(&["mid"]));
    let project = Project::new()
        .package("base", "", &[("src/lib.rs", BASE)])
        .package("mid", &uses(&["base"]), &[("src/lib.rs", MID)])
        .package(
            "shared",
            &dynamic,
            &[("src/lib.rs", "pub fn said() -> String { mid::assets() }\n")],
        )
        .package(
            "macros",
            &macros,
            &[(
                "src/lib.rs",
                "#[proc_macro] pub fn assets(_: proc_macro::TokenStream) -> proc_macro::TokenStream { format!(\"{:?}\", mid::assets()).parse().unwrap() }\n",
            )],
        )
        .package(
            "app",
            &uses(&["shared", "macros"]),
            &[(
                "src/main.rs",
                "fn main() { println!(\"{} {}\", shared::said(), macros::assets!()); }\n",
            )],
        )
        .file("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n[profile.dev]\nrpath = true\n")
        .committed();
    for place in ["main", "second", "a/b/deeper"] {
        let checkout = match place {
            "main" => project.main(),
            place => project.linked(place),
        };
        let checkout = checkout.with("RUSTFLAGS", "-C prefer-dynamic");
        checkout.cargo(&BUILD).ok();
        let libraries = checkout.with("LD_LIBRARY_PATH", &library_path(&checkout));
        let said = libraries.says("app");
        assert_eq!(said.matches(checkout.text()).count(), 2, "{said}");
    }
}

/// The directories of the dynamic libraries of the build and of the standard library.
fn library_path(checkout: &Checkout<'_>) -> String {
    let sysroot = checkout
        .command("rustc")
        .args(["--print", "sysroot"])
        .output()
        .unwrap();
    let sysroot = String::from_utf8(sysroot.stdout).unwrap();
    let target = checkout.path("target/debug");
    let target = target.display();
    format!("{target}:{target}/deps:{}/lib", sysroot.trim())
}

/// A compile in the second checkout differs in nothing but the hashes.
#[requires(sccache)]
#[test]
fn a_comparison_finds_no_difference() {
    let project = project(Store::On, BASE);
    project.main().cargo(&BUILD).ok();
    let second = project.linked("second");
    let built = second.with("SCCFG_WRAPPER", "verify").cargo(&BUILD).ok();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    // These hit, and were compiled as well.
    for unit in ["mid lib", "top lib"] {
        assert!(built.compiled.iter().any(|compiled| compiled == unit));
    }
    second.cargo(&BUILD).ok().nothing_to_do();
    says_the_same_uncached(&second);
}

#[rstest]
#[requires(sccache)]
#[case::that_contains_its_path(BASE)]
#[case::that_only_reads_it(
    "#[allow(dead_code)] fn unused() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }\n\
     pub fn assets() -> String { std::env::current_exe().unwrap().display().to_string() }\n\
     pub fn number() -> u8 { 1 }\n#[derive(Debug)] pub struct Number<T>(pub T);\n"
)]
fn a_seeded_worktree_fits_together(#[case] base: &str) {
    let project = project(Store::On, base);
    project.main().cargo(&BUILD).ok();
    let second = project.linked("second");
    seed(&second);
    let built = second.cargo(&BUILD).ok();
    built.compiled_at_most(&["app bin", "base lib"]);
    second.append("crates/app/src/main.rs", "// edited\n");
    second.cargo(&BUILD).ok().rebuilt("app");
    let third = project.linked("a/third");
    seed(&third);
    third.append("crates/top/src/lib.rs", "pub fn more() {}\n");
    third.cargo(&BUILD).ok();
    for checkout in [&second, &third] {
        let said = checkout.says("app");
        assert!(said.contains(checkout.text()), "{said}");
    }
}

/// A macro reads the path, and nothing depends on it. A library may be linked as well.
#[rstest]
#[requires(sccache)]
#[case::below_a_library("")]
#[case::below_one_that_is_linked("[lib]\ncrate-type = [\"rlib\", \"cdylib\"]\n")]
fn what_only_reads_the_path_is_seeded_with_all_above(#[case] types: &str) {
    let mac = "#[proc_macro] pub fn read(_: proc_macro::TokenStream) -> proc_macro::TokenStream { std::env::var(\"CARGO_MANIFEST_DIR\").unwrap(); proc_macro::TokenStream::new() }\n";
    let base = format!("mac::read!();\npub fn assets() -> u8 {{ 1 }}\n{NUMBERS}");
    let project = Project::new()
        .with_store()
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", mac)])
        .package("base", &uses(&["mac"]), &[("src/lib.rs", &base)]);
    let project = above_with(project, types);
    project.main().cargo(&BUILD).ok();
    let second = project.linked("a/second");
    second.cargo(&BUILD).ok().all_hit();
    let third = project.linked("a/b/third");
    seed(&third);
    third.cargo(&BUILD).ok().nothing_to_do();
    third.append("crates/top/src/lib.rs", "pub fn more() {}\n");
    third.cargo(&BUILD).ok().compiled(&["app bin", "top lib"]);
}

/// A check has other metadata than a build.
#[requires(sccache)]
#[test]
fn checks_and_builds_do_not_mix() {
    let project = project(Store::On, BASE);
    let check = ["check", "--workspace"];
    project.main().cargo(&check).ok();
    project.main().cargo(&BUILD).ok();
    let second = project.linked("a/second");
    second.cargo(&check).ok();
    second.cargo(&BUILD).ok().compiled(&["app bin", "base lib"]);
    second.append("crates/top/src/lib.rs", "pub fn more() {}\n");
    second.cargo(&check).ok().compiled(&["app bin", "top lib"]);
    second.cargo(&BUILD).ok().compiled(&["app bin", "top lib"]);
    says_the_same_uncached(&second);
}
