//! `OUT_DIR`: what is included from it, what is opened through it, and what says its name.

use std::fs;

use indoc::{formatdoc, indoc};
use rstest::rstest;

use super::command::said;
use super::project::{Checkout, Layout, Project};
use super::seed::seed;

/// A program whose build script runs these lines, with `out` the directory.
pub(super) fn made_by(script: &str, main: &str) -> Project {
    let script = formatdoc!(
        r#"
            use std::{{env, fs}};
            fn main() {{
            println!("cargo::rerun-if-changed=build.rs");
            println!("cargo::rerun-if-changed=data");
            let out = env::var("OUT_DIR").unwrap();
            let data = fs::read_to_string("data").unwrap();
            let _ = (&out, &data);
            {script}
            }}
        "#
    );
    let files = [
        ("build.rs", script.as_str()),
        ("src/main.rs", main),
        ("data", "of main"),
    ];
    Project::new().package("app", "", &files)
}

/// What the program says here with the cache and without it: they have to be the same.
#[track_caller]
pub(super) fn says_the_same_uncached(checkout: &Checkout<'_>) -> String {
    let cached = checkout.says("app");
    checkout.clean();
    checkout.uncached(&["build"]).ok();
    assert_eq!(cached, checkout.says("app"));
    cached
}

const INCLUDES: &str =
    "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{}\", G); }\n";
const MAKES: &str =
    "fs::write(format!(\"{out}/g.rs\"), format!(\"pub const G: &str = {data:?};\")).unwrap();";

/// What was compiled is not stored then, and has to be compiled again because it says where it is.
#[requires(sccache)]
#[test]
fn a_unit_with_its_path_is_right_if_a_source_changes_during_the_compile() {
    let makes =
        "fs::write(format!(\"{out}/g.rs\"), \"pub fn g() -> &'static str { file!() }\").unwrap();";
    let main = "mod extra;\ninclude!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{}\", g()); }\n";
    let project = made_by(makes, main)
        .file("crates/app/src/extra.rs", "// one\n")
        .committed();
    let main = project.main();
    main.build_with_edit_during_compile("crates/app/src/extra.rs")
        .ok();
    assert!(main.read("crates/app/src/extra.rs").contains("more"));
    says_the_same_uncached(&project.main());
}

#[rstest]
#[requires(sccache)]
fn included_files_hit_and_are_those_of_this_checkout(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = made_by(MAKES, INCLUDES).with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    for place in ["second", "a/b/deep"] {
        let linked = project.linked(place);
        linked.cargo(&["build"]).ok().all_hit();
        assert_eq!(linked.says("app"), "of main\n");
        linked.cargo(&["build"]).ok().nothing_to_do();
        // The same name with other content.
        linked.write("crates/app/data", &format!("of {place}"));
        linked.cargo(&["build"]).ok().rebuilt("app");
        assert_eq!(linked.says("app"), format!("of {place}\n"));
    }
    // What others made of the same name does not matter here.
    let fourth = project.linked("fourth");
    fourth.cargo(&["build"]).ok().all_hit();
    assert_eq!(fourth.says("app"), "of main\n");
}

/// ruff includes an archive of Python's stubs, whose comments name their callers.
#[requires(sccache)]
#[test]
fn an_included_file_that_is_no_text_asks_for_no_location() {
    let makes = "fs::write(format!(\"{out}/g.zip\"), b\"\\xff for the caller\").unwrap();";
    let lib = "pub static G: &[u8] = include_bytes!(concat!(env!(\"OUT_DIR\"), \"/g.zip\"));\n";
    let main = "fn main() { println!(\"{}\", app::G.escape_ascii()); }\n";
    let project = made_by(makes, main)
        .with_store()
        .file("crates/app/src/lib.rs", lib)
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("a/second");
    second.cargo(&["build"]).ok();
    let explained = said(&second, &["explain", "app"]);
    assert!(!explained.contains("same path"), "{explained}");
    assert!(says_the_same_uncached(&second).contains("for the caller"));
}

/// As autocfg, cxx and eyre leave them.
#[requires(sccache)]
#[test]
fn probes_and_links_in_the_directory_do_not_name_this_checkout() {
    let script = formatdoc!(
        r#"
            {MAKES}
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
            fs::write(format!("{{out}}/probe_{{now}}.ll"), format!("{{now}}")).unwrap();
            fs::write(format!("{{out}}/libprobe.rmeta"), format!("{{now}}")).unwrap();
            let _ = std::os::unix::fs::symlink(env::var("CARGO_MANIFEST_DIR").unwrap(), format!("{{out}}/crate"));
            let _ = std::os::unix::fs::symlink("nowhere", format!("{{out}}/broken"));"#
    );
    let project = made_by(&script, INCLUDES).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(second.says("app"), "of main\n");
}

#[rstest]
#[requires(sccache)]
fn what_is_opened_at_run_time_is_what_the_script_made_here(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let script = "fs::write(format!(\"{out}/text\"), &data).unwrap();";
    let main = "fn main() { println!(\"{}\", std::fs::read_to_string(concat!(env!(\"OUT_DIR\"), \"/text\")).unwrap()); }\n";
    let project = made_by(script, main).with_layout(layout).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/app/data", "of second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "of second\n");
    assert_eq!(main.says("app"), "of main\n");
    // The script runs again: the program, whose source is the same, reads the new file.
    for text in ["newer", "newest"] {
        second.write("crates/app/data", text);
        second.cargo(&["build"]).ok();
        assert_eq!(second.says("app"), format!("{text}\n"));
        assert_eq!(main.says("app"), "of main\n");
    }
    // The other checkout goes; this one does not need it.
    std::fs::remove_dir_all(main.path("target")).unwrap();
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    assert_eq!(third.says("app"), "of main\n");
    assert_eq!(second.says("app"), "newest\n");
}

/// A build script may give its files any name: `.o` for BPF programs, `.a` for firmware, `.d` for
/// rules.
#[requires(sccache)]
#[test]
fn files_named_like_those_of_a_compiler_are_data() {
    let script = "for name in [\"x.o\", \"x.a\", \"x.d\", \"x.so\", \"x.rmeta\", \".hidden\"] { fs::write(format!(\"{out}/{name}\"), format!(\"{name} {data}\")).unwrap(); }";
    let main = indoc! {r#"
        fn main() {
        println!("{}", String::from_utf8_lossy(include_bytes!(concat!(env!("OUT_DIR"), "/x.o"))));
        println!("{}", include_str!(concat!(env!("OUT_DIR"), "/x.a")));
        for name in ["x.o", "x.a", "x.d", "x.so", "x.rmeta", ".hidden"] {
        println!("{name}: {:?}", std::fs::read_to_string(format!("{}/{name}", env!("OUT_DIR"))).ok()); } }
    "#};
    let project = made_by(script, main).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/app/data", "of second");
    second.cargo(&["build"]).ok();
    let said = says_the_same_uncached(&second);
    assert!(said.contains("x.o of second\nx.a of second\n"), "{said}");
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    says_the_same_uncached(&third);
}

#[requires(sccache)]
#[test]
fn the_whole_directory_is_there_at_run_time() {
    let script = "fs::create_dir_all(format!(\"{out}/deep/empty\")).unwrap();\n\
        fs::write(format!(\"{out}/deep/file\"), &data).unwrap();\n\
        let link = format!(\"{out}/link\"); let _ = fs::remove_file(&link);\n\
        std::os::unix::fs::symlink(\"deep/file\", link).unwrap();\n\
        let tool = format!(\"{out}/tool\"); fs::write(&tool, \"#!/bin/sh\\necho ran\\n\").unwrap();\n\
        use std::os::unix::fs::PermissionsExt as _; fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();";
    let main = indoc! {r#"
        use std::{fs, path::Path, process::Command};
        fn main() {
        let out = Path::new(env!("OUT_DIR"));
        println!("{} {}", out.join("deep/empty").is_dir(), fs::read_to_string(out.join("link")).unwrap());
        println!("{:?}", fs::read_link(out.join("link")).unwrap());
        let ran = Command::new(out.join("tool")).output().unwrap(); println!("{}", String::from_utf8(ran.stdout).unwrap());
        let mut all: Vec<_> = fs::read_dir(out).unwrap().map(|it| it.unwrap().file_name()).collect(); all.sort(); println!("{all:?}"); }
    "#};
    let project = made_by(script, main).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    says_the_same_uncached(&second);
}

/// Tests do write there.
#[requires(sccache)]
#[test]
fn what_a_program_writes_there_stays_in_its_checkout() {
    let script = "fs::write(format!(\"{out}/text\"), &data).unwrap();";
    let main = indoc! {r#"
        fn main() { let file = concat!(env!("OUT_DIR"), "/count");
        let count = std::fs::read_to_string(file).map_or(0, |it| it.parse::<u32>().unwrap()) + 1;
        std::fs::write(file, count.to_string()).unwrap(); println!("{count}"); }
    "#};
    let project = made_by(script, main).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "1\n");
    assert_eq!(main.says("app"), "2\n");
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "1\n");
    assert_eq!(main.says("app"), "3\n");
}

#[requires(sccache)]
#[test]
fn the_name_of_the_directory_is_that_of_an_uncached_build() {
    let main = "fn main() { println!(\"{}\", env!(\"OUT_DIR\")); }\n";
    let project = made_by("", main).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    let said = second.says("app");
    assert!(!said.contains("/main/"), "{said}");
    // A directory of the wrapper's own would do where it holds the same; the name is the least of
    // it.
    assert!(std::path::Path::new(said.trim()).is_dir(), "{said}");
}

#[requires(sccache)]
#[test]
fn generated_source_that_names_its_checkout_has_the_name_of_this_one() {
    let script = "let own = env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n\
        fs::write(format!(\"{out}/g.rs\"), format!(\"pub const G: &str = {own:?}; pub const T: &str = include_str!({:?});\", format!(\"{own}/data\"))).unwrap();";
    let main =
        "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{G} {T}\"); }\n";
    let project = made_by(script, main).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    let own = second.path("crates/app");
    assert_eq!(second.says("app"), format!("{} of main\n", own.display()));
    second.write("crates/app/data", "of second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), format!("{} of second\n", own.display()));
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    assert!(third.says("app").contains(third.text()));
}

/// Where generated source panics, the message leads to a file of this checkout with that source,
/// and `file!()` names one.
#[rstest]
#[requires(sccache)]
fn locations_in_generated_source_can_be_opened(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let script = "fs::write(format!(\"{out}/g.rs\"), format!(\"// {data}\\npub fn g() -> (&'static str, u32) {{ let _ = {data:?}; (file!(), line!()) }}\\n#[track_caller] fn t() -> &'static str {{ std::panic::Location::caller().file() }}\\npub fn l() -> &'static str {{ t() }}\\n\")).unwrap();";
    let main = "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{}\\n{}\", g().0, l()); }\n";
    let project = made_by(script, main).with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/app/data", "of second");
    second.cargo(&["build"]).ok();
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    for (checkout, text) in [(&second, "of second"), (&third, "of main")] {
        let said = checkout.says("app");
        for file in said.lines() {
            let found = std::fs::read_to_string(file).unwrap_or_default();
            assert!(found.contains(text), "{file} is not the source: {found}");
            assert!(!file.contains("/main/"), "{file}");
        }
    }
}

/// A program with generated source that panics; it prints what the panics say, and where.
const PANICS: &str = indoc! {r#"
    include!(concat!(env!("OUT_DIR"), "/g.rs"));
    fn main() {
        std::panic::set_hook(Box::new(|info| println!("{}", info.location().unwrap())));
        let numbers: Vec<u64> = std::env::args().map(|_| 7).collect();
        for nth in 0..4 {
            println!("{:?}", std::panic::catch_unwind(|| g(&numbers, nth)).is_ok());
        }
    }
"#};
const PANICKING: &str = "fs::write(format!(\"{out}/g.rs\"), \"pub fn g(numbers: &[u64], nth: usize) -> u64 { match nth { 0 => numbers[nth], 1 => panic!(), 2 => numbers.get(nth).copied().unwrap(), _ => numbers[0] / (numbers[0] - 7) } }\").unwrap();";

/// The program of another checkout gets locations of this one, which may be longer or shorter.
#[rstest]
#[requires(sccache)]
#[case("s", "CARGO_PROFILE_DEV_OPT_LEVEL", "0")]
#[case("as/deep/as/can/be", "CARGO_PROFILE_DEV_OPT_LEVEL", "3")]
#[case("s", "CARGO_PROFILE_DEV_LTO", "fat")]
#[case("as/deep/as/can/be", "RUSTFLAGS", "-Clink-arg=-fuse-ld=bfd")]
fn panics_in_generated_source_have_its_path(
    #[case] place: &str,
    #[case] name: &str,
    #[case] value: &str,
) {
    let project = made_by(PANICKING, PANICS).committed();
    let main = project.main().with(name, value);
    main.cargo(&["build"]).ok();
    says_the_same_uncached(&main);
    let second = project.linked(place).with(name, value);
    second.cargo(&["build"]).ok().all_hit();
    second.cargo(&["build"]).ok().nothing_to_do();
    let said = says_the_same_uncached(&second);
    let inside = format!("{}/target", second.text());
    assert_eq!(said.matches(&inside).count(), 3, "{said}");
}

/// In a seeded worktree, the same program gets the locations of that worktree.
#[rstest]
#[requires(sccache)]
fn panics_in_generated_source_of_a_seeded_worktree_have_its_path(
    #[values("s", "as/deep/as/can/be")] place: &str,
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = made_by(PANICKING, PANICS).with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    for place in [place.to_owned(), format!("third/{place}/x")] {
        let linked = project.linked(&place);
        seed(&linked);
        linked.cargo(&["build"]).ok().nothing_to_do();
        let said = linked.says("app");
        let inside = format!("{}/target", linked.text());
        assert_eq!(said.matches(&inside).count(), 3, "{said}");
        says_the_same_uncached(&linked);
    }
}

/// In such programs, not all that refers to a name is known.
#[rstest]
#[requires(sccache)]
#[case::at_a_fixed_address("-Crelocation-model=static")]
#[case::packed_relocations("-Clink-arg=-Wl,-z,pack-relative-relocs")]
fn other_programs_with_panics_in_generated_source_name_this_checkout(#[case] flags: &str) {
    let project = made_by(PANICKING, PANICS).committed();
    let main = project.main().with("RUSTFLAGS", flags);
    main.cargo(&["build"]).ok();
    let second = project.linked("s").with("RUSTFLAGS", flags);
    second.cargo(&["build"]).ok();
    let said = says_the_same_uncached(&second);
    assert!(said.contains(second.text()), "{said}");
}

/// What is made of its name while it is compiled, nobody could put right afterwards.
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
#[case::a_location_that_is_known(
    "pub fn made(n: u32) -> &'static str { if n > 1 { panic!() } std::panic::Location::caller().file() }"
)]
#[case::one_of_several(
    "mod b; mod c; #[inline(always)] pub fn made(n: u32) -> &'static str { match n { 0 => b::at(), 1 => c::at(), 2 => b::at(), 3 => c::at(), 4 => b::at(), _ => std::panic::Location::caller().file() } }"
)]
fn what_generated_source_computes_from_its_name_is_that_of_this_checkout(#[case] generated: &str) {
    let other =
        "#[inline(always)] pub fn at() -> &'static str { std::panic::Location::caller().file() }";
    let script = format!(
        "for (name, text) in [(\"g\", {generated:?}), (\"b\", {other:?}), (\"c\", {other:?})] {{ fs::write(format!(\"{{out}}/{{name}}.rs\"), text).unwrap(); }}"
    );
    let main = "mod g { include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\")); }\nfn main() { for n in 0..std::env::args().count() as u32 { println!(\"{} {:?}\", g::made(n), std::panic::catch_unwind(|| println!(\"{}\", g::made(n + 2))).is_ok()); } }\n";
    let function = "#[track_caller] const fn length() -> usize { std::panic::Location::caller().file().len() }\n";
    let function = if generated.contains("super::length") {
        function
    } else {
        ""
    };
    let project = made_by(&script, &format!("{function}{main}")).committed();
    for place in ["main", "second"] {
        let checkout = match place {
            "main" => project.main(),
            _ => project.linked(place),
        };
        let checkout = checkout.with("CARGO_PROFILE_DEV_OPT_LEVEL", "3");
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

#[requires(sccache)]
#[test]
fn errors_in_generated_source_lead_to_it() {
    let script = "fs::write(format!(\"{out}/g.rs\"), \"pub const G: u8 = 256;\").unwrap();";
    let project = made_by(script, INCLUDES).committed();
    let main = project.main();
    let cached = main.cargo(&["build"]).fails().ran.stderr;
    assert!(
        cached.contains(&format!("--> {}/target/debug/build/", main.text())),
        "{cached}"
    );
}

/// Where it is told that it stands.
#[requires(sccache)]
#[test]
fn a_macro_finds_generated_source() {
    let script =
        "fs::write(format!(\"{out}/g.rs\"), \"pub const G: usize = mac::length!();\").unwrap();";
    let mac = "#[proc_macro] pub fn length(_: proc_macro::TokenStream) -> proc_macro::TokenStream { let file = proc_macro::Span::call_site().file(); std::fs::read(file).unwrap().len().to_string().parse().unwrap() }\n";
    let project = made_by(script, INCLUDES);
    let project = project
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", mac)])
        .file(
            "crates/app/Cargo.toml",
            &super::project::package("app", "[dependencies]\nmac = { path = \"../mac\" }\n"),
        )
        .committed();
    for checkout in [project.main(), project.linked("second")] {
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "36\n");
    }
}

const READS: &str =
    "std::fs::read_to_string(var(\"CARGO_MANIFEST_DIR\").unwrap() + \"/src/flag\").unwrap()";

/// In a compile whose paths are replaced, it is told a placeholder, which is not what the script wrote.
#[requires(sccache)]
#[rstest]
#[case::by_a_variable("file.starts_with(&var(\"OUT_DIR\").unwrap())", READS)]
#[case::by_a_name("file.contains(\"/target/debug/build/\")", READS)]
#[case::by_its_length("file.len() < 110", READS)]
#[case::by_its_depth("file.split('/').count() > 8", READS)]
#[case::by_its_depth_beside_a_variable(
    "!var(\"OUT_DIR\").unwrap().is_empty() && file.split('/').count() > 8",
    READS
)]
#[case::by_its_length_and_that_of_a_variable(
    "file.len() < var(\"OUT_DIR\").unwrap().len() + 10",
    READS
)]
#[case::by_a_name_alone("file.contains(\"/target/debug/build/\")", "\"one\"")]
#[case::by_a_name_and_a_variable(
    "file.contains(\"/target/debug/build/\")",
    "var(\"FLAG\").unwrap()"
)]
fn a_macro_recognises_generated_source_by_its_path(#[case] is_own: &str, #[case] reads: &str) {
    let script =
        "fs::write(format!(\"{out}/g.rs\"), \"pub const G: &str = mac::whose!();\").unwrap();";
    let mac = formatdoc! {r#"
        use std::env::var;
        #[proc_macro]
        pub fn whose(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{
            let file = proc_macro::Span::call_site().file();
            let whose = match {is_own} {{
                true => format!("own, {{}}", {reads}),
                false => "other".to_owned(),
            }};
            format!("{{whose:?}}").parse().unwrap()
        }}
    "#};
    let project = made_by(script, INCLUDES);
    let project = project
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", &mac)])
        .file(
            "crates/app/Cargo.toml",
            &super::project::package("app", "[dependencies]\nmac = { path = \"../mac\" }\n"),
        )
        .file("crates/app/src/flag", "one")
        .committed();
    let main = project.main().with("FLAG", "one");
    main.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&main), "own, one\n");
    let second = project.linked("second").with("FLAG", "two");
    second.write("crates/app/src/flag", "two");
    second.cargo(&["build"]).ok();
    let read = if reads.contains('(') { "two" } else { "one" };
    assert_eq!(says_the_same_uncached(&second), format!("own, {read}\n"));
}

#[requires(sccache)]
#[test]
fn files_that_generated_source_includes_by_relative_names_count() {
    let script = "fs::write(format!(\"{out}/g.rs\"), \"pub const G: &str = include_str!(\\\"part.txt\\\");\").unwrap(); fs::write(format!(\"{out}/part.txt\"), &data).unwrap();";
    let project = made_by(script, INCLUDES).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/app/data", "of second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "of second\n");
    let third = project.linked("third");
    third.cargo(&["build"]).ok().all_hit();
    assert_eq!(third.says("app"), "of main\n");
}

/// A dependency's metadata reaches the build script of whoever uses it, with paths in it.
#[rstest]
#[requires(sccache)]
fn metadata_for_dependent_scripts_is_that_of_this_checkout(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let low = indoc! {r#"
        fn main() { let out = std::env::var("OUT_DIR").unwrap(); std::fs::write(format!("{out}/t"), std::fs::read("data").unwrap()).unwrap();
        println!("cargo::rerun-if-changed=data"); println!("cargo::metadata=place={out}"); }
    "#};
    let high = "fn main() { println!(\"cargo::rustc-env=T={}\", std::fs::read_to_string(format!(\"{}/t\", std::env::var(\"DEP_LOWLINK_PLACE\").unwrap())).unwrap()); }\n";
    let project = Project::laid_out(layout);
    let project = project
        .package(
            "low",
            "links = \"lowlink\"\n",
            &[("build.rs", low), ("data", "of main"), ("src/lib.rs", "")],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[
                ("build.rs", high),
                (
                    "src/main.rs",
                    "fn main() { println!(\"{}\", env!(\"T\")); }\n",
                ),
            ],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/low/data", "of second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "of second\n");
    let third = project.linked("third");
    third.cargo(&["build"]).ok().all_hit();
}

/// A program that includes a file of the directory, and may also compute something of its name: the name is not in the
/// output, so that only an uncached build can tell.
#[rstest]
#[requires(sccache)]
#[case::under_its_name("const N: usize = env!(\"OUT_DIR\").len();")]
#[case::under_another_name(
    "use std::env as e; const N: usize = e!(concat!(\"OUT_\", \"DIR\")).len();"
)]
#[case::by_a_macro_that_is_named(
    "macro_rules! call { ($m:ident) => { $m!(concat!(\"OUT_\", \"DIR\")) } } const N: usize = call!(env).len();"
)]
#[case::by_a_macro_that_takes_it_apart(
    "macro_rules! path { (include_str!(concat!($a:expr, $b:expr))) => { $a } } const N: usize = path!(include_str!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"))).len();"
)]
#[case::by_a_macro_of_that_name(
    "macro_rules! include_bytes { ($a:expr) => { $a } } const N: usize = include_bytes!(concat!(env!(\"OUT_DIR\"), \"/g.rs\")).len();"
)]
#[case::by_a_macro_of_a_dependency("const N: usize = dep::length!();")]
#[case::by_a_macro_of_a_dependency_of_a_dependency("const N: usize = between::dep::length!();")]
#[case::in_a_file_that_is_included("include!(\"more.in\");")]
#[case::in_a_module_with_another_ending("#[path = \"more.in\"] mod more; use more::N;")]
#[case::in_a_generated_file("include!(concat!(env!(\"OUT_DIR\"), \"/more.rs\"));")]
fn what_is_computed_from_the_directory_is_that_of_this_checkout(#[case] code: &str) {
    let more = "pub const N: usize = env!(\"OUT_DIR\").len();";
    let script = format!("{MAKES}\nfs::write(format!(\"{{out}}/more.rs\"), {more:?}).unwrap();");
    let main = format!("{code}\n{}", INCLUDES.replace("G)", "(N, G).0)"));
    let dep = "#[macro_export] macro_rules! length { () => { env!(\"OUT_DIR\").len() } }\n";
    let project = made_by(&script, &main)
        .package("dep", "", &[("src/lib.rs", dep)])
        .package(
            "between",
            "[dependencies]\ndep = { path = \"../dep\" }\n",
            &[("src/lib.rs", "pub use dep;\n")],
        )
        .file(
            "crates/app/Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ndep = { path = \"../dep\" }\nbetween = { path = \"../between\" }\n",
        )
        .file("crates/app/src/more.in", more)
        .committed();
    for place in ["main", "a/b/deep"] {
        let checkout = match place {
            "main" => project.main(),
            _ => project.linked(place),
        };
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// A program with a value of a path that its build script wrote into a file: the key of the program has a placeholder
/// there. The path of the other checkout is as long.
#[rstest]
#[requires(sccache)]
#[case::in_data(
    "const SUM: u64 = sum(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/place.txt\")));"
)]
#[case::in_source("include!(concat!(env!(\"OUT_DIR\"), \"/place.rs\"));")]
#[case::in_data_that_a_macro_reads("const SUM: u64 = mac::sum!();")]
fn what_is_computed_from_a_path_in_a_generated_file_is_that_of_this_checkout(#[case] code: &str) {
    let sum = "const fn sum(text: &[u8]) -> u64 { let (mut sum, mut at) = (7_u64, 0); while at < text.len() { sum = sum.wrapping_mul(31).wrapping_add(text[at] as u64); at += 1 } sum }";
    let script = "let place = env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n\
        fs::write(format!(\"{out}/place.txt\"), &place).unwrap();\n\
        fs::write(format!(\"{out}/place.rs\"), format!(\"const SUM: u64 = sum({place:?}.as_bytes());\")).unwrap();";
    let main =
        format!("#![allow(dead_code)]\n{sum}\n{code}\nfn main() {{ println!(\"{{SUM}}\"); }}\n");
    let mac = format!(
        "{sum}\n#[proc_macro] pub fn sum(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{ let file = std::env::var(\"OUT_DIR\").unwrap() + \"/place.txt\"; format!(\"{{}}u64\", self::sum(&std::fs::read(file).unwrap())).parse().unwrap() }}\n"
    )
    .replace("const fn sum", "fn sum_of")
    .replace("self::sum", "sum_of");
    let project = made_by(script, &main)
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", &mac)])
        .file(
            "crates/app/Cargo.toml",
            &super::project::package("app", "[dependencies]\nmac = { path = \"../mac\" }\n"),
        )
        .committed();
    for checkout in [project.main(), project.linked("next")] {
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// Files that generated source includes by their whole paths.
#[requires(sccache)]
#[test]
fn generated_source_that_includes_files_of_its_checkout_hits() {
    let script = "let own = env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n\
        fs::write(format!(\"{out}/m.rs\"), \"pub const M: u8 = 1;\").unwrap();\n\
        fs::write(format!(\"{out}/g.rs\"), format!(\"// {own}\\npub const G: &str = include_str!({:?});\\ninclude!({:?});\", format!(\"{own}/data\"), format!(\"{out}/m.rs\"))).unwrap();";
    let main = INCLUDES.replace("G)", "(G, M).0)");
    let project = made_by(script, &main).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(second.says("app"), "of main\n");
}

/// The program has the path of its package as well, for which it is kept apart already, or it is not looked up at all.
#[rstest]
#[requires(sccache)]
fn a_path_of_generated_source_is_whole_where_the_program_is_kept_apart(
    #[values("", "-C rpath")] flags: &str,
) {
    let script = r#"fs::write(format!("{out}/g.rs"), "pub fn f() -> &'static str { file!() } pub const L: usize = file!().len();").unwrap();"#;
    let main = "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{} {} {}\", f(), L, env!(\"CARGO_MANIFEST_DIR\")); }\n";
    let project = made_by(script, main).committed();
    for checkout in [project.main(), project.linked("a/b/deep")] {
        let checkout = checkout.with("RUSTFLAGS", flags);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// A script in front of the compiler that makes a file if a source is expanded.
pub(super) const NOTES_EXPANSIONS: &str =
    "case \" $* \" in *\" -Zunpretty\"*) echo >>$dir/expanded ;; esac\n";

/// Expanding takes as long as a large part of a compile. Two expansions are enough if one contains the other path that only it got.
#[rstest]
#[requires(sccache)]
#[case::only_to_include("", 0)]
#[case::otherwise_too("const N: usize = env!(\"OUT_DIR\").len();", 2)]
fn a_source_is_expanded_again_only_if_it_may_compute_something_of_the_name(
    #[case] code: &str,
    #[case] expansions: usize,
) {
    let project = made_by(MAKES, &format!("{code}\n{INCLUDES}")).committed();
    let (main, directory) = project.main().with_compiler_script(NOTES_EXPANSIONS);
    main.cargo(&["build"]).ok();
    let noted = fs::read_to_string(directory.join("expanded")).unwrap_or_default();
    assert_eq!(noted.lines().count(), expansions);
}
