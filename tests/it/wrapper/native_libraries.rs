//! Libraries of build scripts with paths of their checkout: what links them is what an uncached build makes.

use rstest::rstest;

use super::build_scripts::{contains, with_c_of, with_native, with_two_libraries};
use super::out_dir::says_the_same_uncached;
use super::project::{Layout, Project};
use super::seed::{sccfg, seed};

/// cargo and rustdoc also link programs without the wrapper, from libraries that it delivered.
#[rstest]
#[requires(sccache)]
#[case::without_the_wrapper("", "")]
#[case::incremental("CARGO_INCREMENTAL", "1")]
#[case::switched_off("SCCFG_WRAPPER", "off")]
#[case::without_the_store("SCCFG_STORE", "off")]
fn programs_above_texts_have_real_paths(#[case] name: &str, #[case] value: &str) {
    let project = with_c_of("openssl-sys");
    project.main().with("APP_PLACE", "1").cargo(&["build"]).ok();
    for place in ["s", "as/deep/as/can/be"] {
        let second = project.linked(place).with("APP_PLACE", "1");
        second.cargo(&["build"]).ok();
        second.edit("crates/app/src/main.rs", "{}", "! {}");
        if name.is_empty() {
            second.uncached(&["build"]).ok();
        } else {
            second.with(name, value).cargo(&["build"]).ok();
        }
        let said = second.says("app");
        assert!(
            said.starts_with(&format!("! {}/target", second.text())),
            "{said}"
        );
    }
}

#[requires(sccache)]
#[test]
fn doctests_above_texts_have_real_paths() {
    let project = with_c_of("openssl-sys");
    let manifest =
        "[dependencies]\npublished = { package = \"openssl-sys\", version = \"0.1.0\" }\n";
    let lib = "//! ```\n//! let said = published::said();\n//! assert!(said.starts_with(&std::env::var(\"PLACE\").unwrap()), \"{said}\");\n//! ```\n";
    let project = project.package("docs", manifest, &[("src/lib.rs", lib)]);
    project.commit(&project.main().directory);
    for checkout in [project.main(), project.linked("s")] {
        let checkout = checkout
            .with("APP_PLACE", "1")
            .with("PLACE", checkout.text());
        checkout.cargo(&["test", "-p", "docs"]).ok();
    }
}

/// Its bundled library has the paths of the first checkout, and so has what contains it.
#[rstest]
#[requires(sccache)]
#[case::debug_information("published", "APP_OTHER")]
#[case::texts("openssl-sys", "APP_PLACE")]
fn what_was_compiled_without_a_record_is_not_shared(
    #[case] package: &str,
    #[case] variable: &str,
    #[values("SCCFG_STORE", "SCCFG_WRAPPER_SCRIPTS")] switch: &str,
) {
    let project = with_c_of(package);
    let main = project.main().with(variable, "1");
    main.with(switch, "off").cargo(&["build"]).ok();
    main.clean();
    main.cargo(&["build"]).ok();
    let second = project.linked("s").with(variable, "1");
    second.cargo(&["build"]).ok();
    let program = second.path("target/debug/app");
    assert!(!contains(&program, main.text()));
    let said = says_the_same_uncached(&second);
    assert_eq!(
        said.starts_with(second.text()),
        variable == "APP_PLACE",
        "{said}"
    );
}

/// That the program of a second checkout, with these variables, is what an uncached build makes there.
#[track_caller]
fn is_as_uncached(project: &Project, variables: &[(&str, &str)]) {
    let (main, second) = (project.main(), project.linked("s"));
    let [main, second] = [main, second].map(|checkout| {
        variables.iter().fold(
            checkout.with("APP_PLACE", "1"),
            |checkout, (name, value)| checkout.with(name, value),
        )
    });
    main.cargo(&["build"]).ok();
    second.cargo(&["build"]).ok();
    second.cargo(&["build"]).ok().nothing_to_do();
    let program = second.path("target/debug/app");
    for other in [main.text(), "/sccfg-text"] {
        assert!(!contains(&program, other), "{other}");
    }
    let said = says_the_same_uncached(&second);
    assert!(said.contains(second.text()), "{said}");
}

#[rstest]
#[requires(sccache)]
#[case::lto("CARGO_PROFILE_DEV_LTO", "fat")]
#[case::strip("CARGO_PROFILE_DEV_STRIP", "true")]
#[case::optimized("CARGO_PROFILE_DEV_OPT_LEVEL", "3")]
#[case::compressed("RUSTFLAGS", "-Clink-arg=-Wl,--compress-debug-sections=zlib")]
#[case::linker("RUSTFLAGS", "-Clink-arg=-fuse-ld=bfd")]
fn flags_of_the_linker(#[case] name: &str, #[case] value: &str) {
    is_as_uncached(&with_c_of("openssl-sys"), &[(name, value)]);
}

#[rstest]
#[requires(sccache)]
#[case("static:+whole-archive")]
#[case("static:-bundle")]
#[case("static:+whole-archive,-bundle")]
fn kinds_of_linking(#[case] kind: &str, #[values(Layout::V1, Layout::V2)] layout: Layout) {
    is_as_uncached(
        &with_native("openssl-sys", kind, NATIVE).with_layout(layout),
        &[],
    );
}

/// The linker gets a copy of the one with paths only.
#[requires(sccache)]
#[test]
fn the_linker_finds_libraries_beside_it() {
    is_as_uncached(&with_two_libraries("openssl-sys"), &[]);
}

const NATIVE: &str = "const char *place(void) { return PLACE; }\nint number(void) { return 1; }\n";

/// Functions that say paths in one way and another.
const WAYS: [(&str, &str); 13] = [
    ("several", "return PLACE \":\" PLACE \"/lib:\" PLACE;"),
    ("before", "return \"dir: \" PLACE \"/lib\";"),
    (
        "suffixes",
        "static char all[9999]; snprintf(all, 9999, \"%s %s %s %s\", PLACE \"/lib/engines\", \"/lib/engines\", \"engines\", PLACE); return all;",
    ),
    (
        "middle",
        "static char all[9999]; const char *p = PLACE \"/lib/engines\"; snprintf(all, 9999, \"%s %s\", p, strchr(p, 'n')); return all;",
    ),
    (
        "behind",
        "static char all[9999]; snprintf(all, 9999, \"%s %s\", PLACE, PLACE \"/lib/engines\" + sizeof(PLACE)); return all;",
    ),
    (
        "array",
        "static const char all[] = PLACE \"/lib\"; return all;",
    ),
    ("data", "static char all[] = PLACE \"/lib\"; return all;"),
    (
        "two_texts",
        "static const char all[] = PLACE \"\\0\" PLACE; return all + 0 + strlen(all) + 1;",
    ),
    (
        "table",
        "static const char *const all[] = {PLACE, PLACE \"/a\", \"/a\"}; return all[getenv(\"NOWHERE\") ? 0 : 1];",
    ),
    (
        "on_stack",
        "char all[] = PLACE \"/lib\"; return strdup(all);",
    ),
    ("long_text", "return \"\" P10 P10 P10;"),
    (
        "very_long_text",
        "return \"\" P10 P10 P10 P10 P10 P10 P10 P10;",
    ),
    (
        "wide",
        "static char all[9999]; snprintf(all, 9999, \"%ls\", W(PLACE) L\"/lib\"); return all;",
    ),
];

/// The source of a library with these functions.
fn library(functions: &str) -> String {
    format!(
        "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\
         #define P10 PLACE PLACE PLACE PLACE PLACE PLACE PLACE PLACE PLACE PLACE\n#define W_(x) L##x\n#define W(x) W_(x)\n\
         {functions}\nint number(void) {{ return 1; }}\n"
    )
}

/// Those of the reviewed package get a path of another length.
#[rstest]
#[requires(sccache)]
fn texts_of_a_reviewed_library(#[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)] way: usize) {
    let native = library(&format!("const char *place(void) {{ {} }}", WAYS[way].1));
    is_as_uncached(&with_native("openssl-sys", "static", &native), &[]);
}

/// Those of others get only one of the same length: here the compiler knows it.
#[requires(sccache)]
#[test]
fn texts_of_another_library() {
    let mut functions = String::new();
    let mut calls = String::new();
    for (name, body) in WAYS {
        functions += &format!("static const char *{name}(void) {{ {body} }}\n");
        calls += &format!(" strcat(strcat(text, {name}()), \" \");");
    }
    functions +=
        &format!("const char *place(void) {{ static char text[99999];{calls} return text; }}");
    is_as_uncached(
        &with_native("published", "static", &library(&functions)),
        &[],
    );
}

/// The longest path has as many bytes as the placeholder; a longer one has none.
#[rstest]
#[requires(sccache)]
fn texts_with_long_paths(#[values(119, 120, 121)] length: usize) {
    let project = with_c_of("openssl-sys");
    project.main().with("APP_PLACE", "1").cargo(&["build"]).ok();
    let above = project.main().text().len() - "main".len() + "/target".len();
    let second = project.linked(&"x".repeat(length - above));
    let second = second.with("APP_PLACE", "1");
    second.cargo(&["build"]).ok();
    second.edit("crates/app/src/main.rs", "{}", "{} ");
    second.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&second).starts_with(second.text()));
}

/// It is not what a run in the new worktree would make.
#[requires(sccache)]
#[test]
fn a_seeded_worktree_has_its_own_texts() {
    let project = with_c_of("openssl-sys");
    project.main().with("APP_PLACE", "1").cargo(&["build"]).ok();
    let second = project.linked("s").with("APP_PLACE", "1");
    seed(&second);
    second.uncached(&["build"]).ok();
    assert!(
        second.says("app").starts_with(second.text()),
        "{}",
        second.says("app")
    );
    second.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&second).starts_with(second.text()));
}

/// Also if the only path in them is that of the registry, which is the same in all checkouts.
#[requires(sccache)]
#[test]
fn what_links_libraries_of_a_seeded_worktree_is_shared() {
    let project = with_native("published", "static:-bundle", NATIVE);
    let main = project.main();
    main.cargo(&["build"]).ok();
    project.linked("third").cargo(&["build"]).ok();
    main.edit("crates/app/src/main.rs", "{}", "! {}");
    main.cargo(&["build"]).ok();
    let second = project.linked("s");
    sccfg(&second, &["seed", "--from", main.text()]).status(0);
    second.cargo(&["build"]).ok().all_hit();
}

/// Nothing but the members that rustc made is searched for paths.
#[requires(sccache)]
#[test]
fn static_libraries_have_texts_of_their_checkout() {
    let project = with_c_of("openssl-sys");
    let manifest = "[lib]\ncrate-type = [\"staticlib\"]\n[dependencies]\npublished = { package = \"openssl-sys\", version = \"0.1.0\" }\n";
    let lib = "#[no_mangle]\npub extern \"C\" fn length() -> usize { published::said().len() }\n";
    let project = project.package("above", manifest, &[("src/lib.rs", lib)]);
    project.commit(&project.main().directory);
    let main = project.main().with("APP_PLACE", "1");
    let second = project.linked("s").with("APP_PLACE", "1");
    for checkout in [&main, &second] {
        checkout.cargo(&["build", "--workspace"]).ok();
    }
    let library = second.path("target/debug/libabove.a");
    assert!(contains(&library, &format!("{}/target", second.text())));
    for other in [main.text(), "/sccfg-text"] {
        assert!(!contains(&library, other), "{other}");
    }
}
