//! Procedural macros whose library contains the path of the checkout, on which their expansion does not depend, as that of `pyo3-macros`
//! does: what is above them is shared.

use indoc::indoc;
use rstest::rstest;

use super::differential::said;
use super::environment::PROC_MACRO;
use super::out_dir::says_the_same_uncached;
use super::project::{Project, uses};
use super::registry::{package, publish, with_home};
use super::seed::seed;

/// Reads its settings from the `OUT_DIR`, also those of another target while a build script runs.
const CONFIG: &str = indoc! {r#"
    pub fn config() -> String {
        let target = std::env::var_os("TARGET").map(|target| std::path::Path::new(env!("OUT_DIR")).join(target).join("config"));
        let other = target.filter(|path| path.exists()).map(|path| std::fs::read_to_string(path).unwrap());
        other.unwrap_or_else(|| include_str!(concat!(env!("OUT_DIR"), "/config")).to_owned())
    }
"#};
const CONFIG_SCRIPT: &str = indoc! {r#"
    fn main() {
        println!("cargo::rerun-if-env-changed=PYO3_TEXT");
        let text = std::env::var("PYO3_TEXT").unwrap_or_else(|_| "text".to_owned());
        std::fs::write(std::env::var("OUT_DIR").unwrap() + "/config", text).unwrap();
    }
"#};
const MACROS: &str = indoc! {r#"
    #[proc_macro] pub fn config(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
        format!("{:?}", pyo3_build_config::config()).parse().unwrap()
    }
"#};
const LIBRARY: &str = indoc! {r"
    pub use pyo3_macros::config;
    pub fn text() -> &'static str { pyo3_macros::config!() }
"};
/// A library between, with a function that is not inlined.
const MID: &str = indoc! {r#"
    #[inline(never)] pub fn mid() -> String { let mut text = String::from("mid "); text.push_str(pyo3::text()); text }
"#};
const APP: &str = "fn main() { println!(\"{} {}\", mid::mid(), pyo3::config!()); }\n#[test] fn works() { assert_eq!(mid::mid(), \"mid text\"); }\n";

const PRINTS_BOTH: &str = "fn main() { println!(\"{}\", both::ext()); }\n";

/// A workspace that uses `pyo3` of a registry, with a program, a library for C and a library.
fn project(mid: &str) -> Project {
    let project = Project::new().with_store();
    let depends = |names: &[&str]| {
        let lines = names.iter().map(|name| format!("{name} = \"0.1\"\n"));
        format!("[dependencies]\n{}", lines.collect::<String>())
    };
    let config = [("src/lib.rs", CONFIG), ("build.rs", CONFIG_SCRIPT)];
    package(&project, "pyo3-build-config", "", &config);
    let uses_config = format!("{PROC_MACRO}{}", depends(&["pyo3-build-config"]));
    package(
        &project,
        "pyo3-macros",
        &uses_config,
        &[("src/lib.rs", MACROS)],
    );
    package(
        &project,
        "pyo3",
        &depends(&["pyo3-macros"]),
        &[("src/lib.rs", LIBRARY)],
    );
    publish(&project, &["pyo3-build-config", "pyo3-macros", "pyo3"]);
    let above = format!("{}pyo3 = \"0.1\"\n", uses(&["mid"]));
    let extension = format!("{above}[lib]\ncrate-type = [\"cdylib\"]\n");
    let both = extension.replace("[\"cdylib", "[\"rlib\", \"cdylib");
    let code_of_both = "pub fn ext() -> usize { mid::mid().len() }\n";
    let code = "#[unsafe(no_mangle)] pub extern \"C\" fn ext() -> usize { mid::mid().len() }\n";
    project
        .package("mid", &depends(&["pyo3"]), &[("src/lib.rs", mid)])
        .package("app", &above, &[("src/main.rs", APP)])
        .package("ext", &extension, &[("src/lib.rs", code)])
        .package(
            "both",
            &both,
            &[("src/lib.rs", code_of_both), ("src/main.rs", PRINTS_BOTH)],
        )
        .package(
            "above",
            &uses(&["both"]),
            &[("src/lib.rs", "pub use both::ext;\n")],
        )
        .package(
            "top",
            &uses(&["above"]),
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", above::ext()); }\n",
            )],
        )
        .committed()
}

#[requires(sccache)]
#[test]
fn what_is_above_them_is_shared() {
    let project = project(MID);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "mid text text\n");
    main.cargo(&["test"]).ok();
    for place in ["second", "a/deeper/worktree"] {
        let linked = with_home(&project, &project.linked(place), "cargo-home");
        let compiled = ["pyo3_build_config lib", "pyo3_macros proc-macro"];
        linked.cargo(&["build"]).ok().compiled(&compiled);
        assert_eq!([linked.says("both"), linked.says("top")], ["8\n", "8\n"]);
        linked.cargo(&["test"]).ok().all_hit();
        linked.cargo(&["build"]).ok().nothing_to_do();
        // What is compiled here finds the library that was delivered.
        linked.append("crates/app/src/main.rs", "// edited\n");
        linked.cargo(&["build"]).ok().rebuilt("app");
        assert_eq!(says_the_same_uncached(&linked), "mid text text\n");
    }
}

/// A library between them and the program, whose code differs or contains the path of the checkout.
#[rstest]
#[requires(sccache)]
#[case::its_code("String::from(\"mid \")", "String::from(\"other \")")]
#[case::the_path("String::from(\"mid \")", "String::from(env!(\"CARGO_MANIFEST_DIR\"))")]
fn code_below_a_program_counts(#[case] from: &str, #[case] to: &str) {
    let project = project(MID);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    for place in ["second", "a/deeper/worktree", "third"] {
        let linked = with_home(&project, &project.linked(place), "cargo-home");
        linked.edit("crates/mid/src/lib.rs", from, to);
        linked.cargo(&["build"]).ok();
        let said = says_the_same_uncached(&linked);
        assert!(
            said.ends_with(" text\n") && !said.starts_with("mid"),
            "{said}"
        );
    }
}

/// The hashes of crates differ from those of the entries.
#[requires(sccache)]
#[test]
fn a_comparison_finds_no_difference() {
    let project = project(MID);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let linked = with_home(&project, &project.linked("second"), "cargo-home");
    let verified = linked.with("SCCFG_WRAPPER", "verify");
    let built = verified.cargo(&["build"]).ok();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    for unit in ["pyo3 lib", "both rlib,cdylib", "ext cdylib"] {
        assert!(
            built.compiled.iter().any(|compiled| compiled == unit),
            "{unit}"
        );
    }
    says_the_same_uncached(&linked);
}

/// What is compiled in the worktree, with another hash, and what hits fit together.
#[requires(sccache)]
#[test]
fn crates_that_are_compiled_and_that_hit_fit_together() {
    let project = project(MID);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    main.cargo(&["check"]).ok();
    let linked = with_home(&project, &project.linked("a/deeper/worktree"), "cargo-home");
    linked.edit(
        "crates/both/src/lib.rs",
        "pub fn",
        "#[inline(never)] pub fn",
    );
    linked.edit("crates/mid/src/lib.rs", "mid \"", "MIDDLE \"");
    let compiled = [
        "both bin",
        "both rlib,cdylib",
        "ext cdylib",
        "mid lib",
        "app bin",
        "top bin",
        "pyo3_build_config lib",
        "pyo3_macros proc-macro",
        "above lib",
    ];
    linked.cargo(&["build"]).ok().compiled_at_most(&compiled);
    assert_eq!([linked.says("both"), linked.says("top")], ["11\n", "11\n"]);
    linked.cargo(&["check"]).ok();
    linked.write("crates/mid/src/lib.rs", MID);
    linked.cargo(&["build"]).ok();
    assert_eq!(linked.says("top"), "8\n");
    assert_eq!(says_the_same_uncached(&linked), "mid text text\n");
    // A seeded one has what does not depend on the macros.
    let seeded = with_home(&project, &project.linked("third"), "cargo-home");
    seed(&seeded);
    seeded.cargo(&["build"]).ok();
    seeded.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(says_the_same_uncached(&seeded), "mid text text\n");
}

#[requires(sccache)]
#[test]
fn what_they_expand_to_counts() {
    let project = project(MID);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let linked = with_home(&project, &project.linked("second"), "cargo-home");
    for text in ["one", "text"] {
        let linked = linked.with("PYO3_TEXT", text);
        linked.cargo(&["build"]).ok();
        let said = says_the_same_uncached(&linked);
        assert_eq!(said, format!("mid {text} {text}\n"));
        linked.clean();
    }
}

/// The hashes of crates in a shared library are not replaced.
#[requires(sccache)]
#[test]
fn what_is_above_a_shared_library_fits_together() {
    let shared = "[dependencies]\npyo3-macros = \"0.1\"\n[lib]\ncrate-type = [\"dylib\"]\n";
    let project = project(MID)
        .package(
            "shared",
            shared,
            &[(
                "src/lib.rs",
                "pub fn text() -> &'static str { pyo3_macros::config!() }\n",
            )],
        )
        .package(
            "between",
            &uses(&["shared"]),
            &[(
                "src/lib.rs",
                "pub fn text() -> String { shared::text().to_owned() }\n",
            )],
        )
        .package(
            "end",
            &uses(&["between"]),
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", between::text()); }\n",
            )],
        )
        .committed();
    let build = ["build", "-p", "end"];
    for checkout in [project.main(), project.linked("a/deeper/worktree")] {
        let checkout = with_home(&project, &checkout, "cargo-home");
        let checkout = checkout.with("RUSTFLAGS", "-C prefer-dynamic");
        checkout.cargo(&build).ok();
        checkout.append("crates/end/src/main.rs", "// edited\n");
        checkout.cargo(&build).ok().rebuilt("end");
    }
}

/// Other macros may expand to something else in another checkout.
#[requires(sccache)]
#[test]
fn what_is_above_others_is_not_shared() {
    let project = Project::new().with_store();
    let reads = "#[proc_macro] pub fn place(_: proc_macro::TokenStream) -> proc_macro::TokenStream { env!(\"OUT_DIR\").len().to_string().parse().unwrap() }\n";
    let files = [("src/lib.rs", reads), ("build.rs", "fn main() {}\n")];
    package(&project, "placecrate", PROC_MACRO, &files);
    publish(&project, &["placecrate"]);
    let uses = "[dependencies]\nplacecrate = \"0.1\"\n";
    let main = "fn main() { println!(\"{}\", placecrate::place!()); }\n";
    let project = project
        .package("app", uses, &[("src/main.rs", main)])
        .committed();
    let said = [project.main(), project.linked("a/deeper/worktree")].map(|checkout| {
        let checkout = with_home(&project, &checkout, "cargo-home");
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout)
    });
    assert_ne!(said[0], said[1]);
}

/// Writes what it generates to the `OUT_DIR` if a variable asks for it, as `wiggle-macro` does.
const WRITES_IF_ASKED: &str = indoc! {r#"
    use quote::quote;

    #[proc_macro] pub fn text(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
        let mut code = quote!("generated");
        if std::env::var("WIGGLE_DEBUG_BINDGEN").is_ok() {
            let path = std::path::Path::new(env!("DEBUG_OUTPUT_DIR")).join("generated.rs");
            std::fs::write(&path, format!("concat!(\"written \", {code})")).unwrap();
            code = quote!(include!(#path)).replace(['#', ' '], "").replace("path", &format!("{path:?}"));
        }
        code.parse().unwrap()
    }
"#};

#[requires(sccache)]
#[test]
fn what_is_above_one_that_writes_its_code_only_if_asked_is_shared() {
    let project = Project::new().with_store();
    let quote = "#[macro_export] macro_rules! quote { ($($code:tt)*) => { stringify!($($code)*).to_owned() } }\n";
    package(&project, "quote", "", &[("src/lib.rs", quote)]);
    let script = "fn main() { println!(\"cargo:rustc-env=DEBUG_OUTPUT_DIR={}\", std::env::var(\"OUT_DIR\").unwrap()); }\n";
    package(
        &project,
        "wiggle-macro",
        &format!("{PROC_MACRO}[dependencies]\nquote = \"0.1\"\n"),
        &[("src/lib.rs", WRITES_IF_ASKED), ("build.rs", script)],
    );
    publish(&project, &["quote", "wiggle-macro"]);
    let main = "fn main() { println!(\"{}\", wiggle_macro::text!()); }\n";
    let project = project
        .package(
            "app",
            "[dependencies]\nwiggle-macro = \"0.1\"\n",
            &[("src/main.rs", main)],
        )
        .committed();
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    for place in ["second", "a/deeper/worktree"] {
        let linked = with_home(&project, &project.linked(place), "cargo-home");
        let built = linked.cargo(&["build"]).ok();
        built.compiled(&["wiggle_macro proc-macro"]);
        assert_eq!(says_the_same_uncached(&linked), "generated\n");
        let asks = linked.with("WIGGLE_DEBUG_BINDGEN", "1");
        for _ in 0..2 {
            asks.clean();
            let built = asks.cargo(&["build"]).ok();
            assert!(built.compiled.contains(&"app bin".to_owned()));
            assert_eq!(says_the_same_uncached(&asks), "written generated\n");
        }
    }
}
