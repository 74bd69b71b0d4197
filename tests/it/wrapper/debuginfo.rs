//! Debug information leads to the sources of the checkout that was built.

use std::path::{Path, PathBuf};
use std::process::Command;

use indoc::indoc;
use rstest::rstest;

use super::build_scripts::contains;
use super::project::{Checkout, Layout, Project, Store, succeeds};
use super::registry::{PRINTS, package, publish, with_home};
use super::seed::{seed, state_of};

const LOW: &str = indoc! {r#"
    #[inline(never)] pub fn low(x: u32) -> u32 {
        // the marker of main
        std::hint::black_box(x) + 1
    }
    include!(concat!(env!("OUT_DIR"), "/g.rs"));
"#};
const SCRIPT: &str = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); std::fs::write(format!(\"{}/g.rs\", std::env::var(\"OUT_DIR\").unwrap()), \"#[inline(never)] pub fn made(x: u32) -> u32 {\\n    // generated line\\n    std::hint::black_box(x).wrapping_add(2)\\n}\\n\").unwrap(); }\n";
const MAIN: &str =
    "fn main() {\n    // in the program\n    println!(\"{}\", low::low(1) + low::made(2));\n}\n";

fn project() -> Project {
    Project::new()
        .package("low", "", &[("src/lib.rs", LOW), ("build.rs", SCRIPT)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", MAIN)],
        )
        .committed()
}

/// What gdb shows of a function of a program, run in `directory`.
fn gdb(checkout: &Checkout<'_>, program: &Path, function: &str, directory: &Path) -> String {
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch"])
        .args(["-ex", &format!("list {function}"), "-ex", "info source"])
        .arg(program)
        .current_dir(directory)
        .env("HOME", checkout.path("target"));
    let output = succeeds(&mut gdb);
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// gdb finds the sources of this checkout, from its root and from elsewhere.
#[track_caller]
fn leads_here(checkout: &Checkout<'_>, program: &Path, marker: &str) {
    for directory in [checkout.directory.as_path(), Path::new("/")] {
        for (function, text, file) in [
            ("low::low", marker, "crates/low/src/lib.rs"),
            ("app::main", "in the program", "crates/app/src/main.rs"),
            ("low::made", "generated line", "out/g.rs"),
        ] {
            let said = gdb(checkout, program, function, directory);
            assert!(
                said.contains(text),
                "{function} in {}: {said}",
                directory.display()
            );
            let located = said
                .lines()
                .find_map(|line| line.strip_prefix("Located in "));
            let located = located.unwrap_or_default();
            assert!(located.ends_with(file), "{function}: {said}");
            assert!(located.starts_with(checkout.text()), "{function}: {said}");
        }
    }
}

/// The library has placeholders, but not the program, which contains its place. So the directory of the checkout stands
/// between others in the program's tables of lines.
#[requires(sccache, gdb)]
#[test]
fn gdb_finds_the_sources_of_a_package_in_the_root() {
    let manifest =
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    let low = "#[inline(never)] pub fn low<T: std::ops::Add<Output = T>>(x: T, y: T) -> T {\n    // the marker\n    std::hint::black_box(x) + y\n}\n";
    let main = "fn main() {\n    // in the program\n    println!(\"{} {}\", app::deep::low(1, 2), [0u8; env!(\"CARGO_MANIFEST_DIR\").len()].len());\n}\n";
    let project = Project::new()
        .file("Cargo.toml", manifest)
        .file("src/lib.rs", "pub mod deep;\n")
        .file("src/deep.rs", low)
        .file("src/bin/app/main.rs", main)
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let linked = project.linked("a/b/deeper");
    linked.cargo(&["build"]).ok();
    for checkout in [main, linked] {
        let program = checkout.path("target/debug/app");
        let said = |function| gdb(&checkout, &program, function, Path::new("/"));
        let functions = [
            ("app::deep::low<i32>", "the marker", "src/deep.rs"),
            ("app::main", "in the program", "src/bin/app/main.rs"),
        ];
        for (function, text, file) in functions {
            let said = said(function);
            assert!(said.contains(text), "{said}");
            let located = format!("Located in {}", checkout.path(file).display());
            assert!(said.contains(&located), "{said}");
        }
    }
}

#[rstest]
#[requires(sccache, gdb)]
fn gdb_finds_the_sources_of_this_checkout(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = project().with_layout(layout);
    let main = project.main();
    main.cargo(&["build"]).ok();
    leads_here(&main, &main.path("target/debug/app"), "the marker of main");
    for place in ["second", "a/b/deeper"] {
        let linked = project.linked(place);
        linked.cargo(&["build"]).ok().all_hit();
        leads_here(
            &linked,
            &linked.path("target/debug/app"),
            "the marker of main",
        );
    }
    // The other checkouts are away: nothing may need them.
    std::fs::rename(&main.directory, project.sandbox.path("gone")).unwrap();
    let second = project.checkout(project.sandbox.path("second"));
    leads_here(
        &second,
        &second.path("target/debug/app"),
        "the marker of main",
    );
}

/// The compiler gets a placeholder as the value of the variable. It opens code with other extensions than
/// `.rs` by it.
#[rstest]
#[case::of_the_manifest("CARGO_MANIFEST_DIR", "src/g.txt")]
#[case::of_the_build_script("OUT_DIR", "g.txt")]
#[requires(sccache, gdb)]
fn gdb_finds_code_that_is_included_by_a_variable(#[case] variable: &str, #[case] file: &str) {
    let code = "#[inline(never)] pub fn made(x: u32) -> u32 {\n    // generated line\n    std::hint::black_box(x)\n}\n";
    let main = format!(
        "include!(concat!(env!(\"{variable}\"), \"/{file}\"));\nfn main() {{ println!(\"{{}} {{}}\", made(2), env!(\"{variable}\")); }}\n"
    );
    let script = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\"); std::fs::write(format!(\"{{}}/g.txt\", std::env::var(\"OUT_DIR\").unwrap()), {code:?}).unwrap(); }}\n"
    );
    let files = [
        ("src/main.rs", main.as_str()),
        ("src/g.txt", code),
        ("build.rs", script.as_str()),
    ];
    let project = Project::new().package("app", "", &files).committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("a/b/deeper");
    linked.cargo(&["build"]).ok();
    for checkout in [project.main(), linked] {
        let said = gdb(
            &checkout,
            &checkout.path("target/debug/app"),
            "app::made",
            Path::new("/"),
        );
        assert!(said.contains("generated line"), "{said}");
        let located = format!("Located in {}", checkout.text());
        assert!(said.contains(&located), "{said}");
        assert!(checkout.says("app").contains(checkout.text()));
    }
}

#[requires(sccache, gdb)]
#[test]
fn also_in_tests_and_with_other_forms_of_debug_information() {
    for (number, (profile, flags)) in [
        ("split-debuginfo = \"packed\"", ""),
        ("split-debuginfo = \"unpacked\"", ""),
        ("lto = \"thin\"", ""),
        ("", "-C link-arg=-Wl,--compress-debug-sections=zlib"),
        ("", "-C link-arg=-gz"),
        ("", "-C link-arg=@options"),
        ("", "-C dwarf-version=5"),
    ]
    .iter()
    .enumerate()
    {
        let project = project();
        let main = project.main();
        main.append("Cargo.toml", &format!("[profile.dev]\n{profile}\n"));
        main.write("options", "-no-pie -gz=zlib\n");
        project.commit(&main.directory);
        main.with("RUSTFLAGS", flags)
            .with("RUSTC_BOOTSTRAP", "1")
            .cargo(&["build"])
            .ok();
        let second = project.linked("longer/second");
        let second = second.with("RUSTFLAGS", flags).with("RUSTC_BOOTSTRAP", "1");
        second.cargo(&["build"]).ok();
        eprintln!("{number}: {profile} {flags}");
        leads_here(
            &second,
            &second.path("target/debug/app"),
            "the marker of main",
        );
    }
}

/// In a file beside each object (`.dwo`), or in one beside each program (`.dwp`).
#[rstest]
#[case::packed("packed", Layout::V1)]
#[case::packed_in_the_new_layout("packed", Layout::V2)]
#[case::unpacked("unpacked", Layout::V1)]
#[case::unpacked_in_the_new_layout("unpacked", Layout::V2)]
#[requires(sccache, gdb)]
fn debug_information_in_separate_files_is_cached(
    #[case] split: &str,
    #[case] layout: Layout,
    #[values(Store::On, Store::Off)] store: Store,
) {
    const ALL: [&str; 3] = ["build", "--workspace", "--all-targets"];
    let project = project().with_layout(layout).with(store);
    let main = project.main();
    let profile = format!("[profile.dev]\nsplit-debuginfo = \"{split}\"\n");
    main.append("Cargo.toml", &profile);
    project.commit(&main.directory);
    main.cargo(&ALL).ok();
    let seeded = project.linked("a/seeded");
    seed(&seeded).stdout_has("seeded");
    seeded.cargo(&ALL).ok().nothing_to_do();
    let built = project.linked("a/b/deeper").with("SCCFG_SEED", "off");
    built.cargo(&ALL).ok().all_hit();
    let gone = project.sandbox.path("gone");
    std::fs::rename(&main.directory, &gone).unwrap();
    for checkout in [seeded, built] {
        let program = checkout.path("target/debug/app");
        leads_here(&checkout, &program, "the marker of main");
        let beside = program.with_extension("dwp");
        assert_eq!(beside.exists(), split == "packed");
        let target = checkout.path("target");
        let [of_objects, of_programs] = ["dwo", "dwp"].map(|extension| files(&target, extension));
        assert_eq!(of_objects.is_empty(), split == "packed");
        for file in of_objects.iter().chain(&of_programs).chain([&program]) {
            for part in ["/sccfg-target", "/sccfg-workspace", "/.sccfg/work"] {
                assert!(!contains(file, part), "{part} in {}", file.display());
            }
        }
    }
}

/// The files with this extension below a directory.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let files = state_of(directory).into_keys();
    files
        .filter(|path| path.extension() == Some(extension.as_ref()))
        .collect()
}

/// Also where the path of the registries is replaced. Compressed debug information is not searched by others either.
#[rstest]
#[requires(sccache)]
fn compressed_debug_information_has_no_placeholders(
    #[values("", "shared")] home: &str,
    #[values("-gz", "-Wl,--compress-debug-sections=zlib")] option: &str,
) {
    let lib = "#[inline(never)] pub fn text() -> &'static str { \"text\" }\n";
    let project = Project::new().with_store();
    package(&project, "lowcrate", "", &[("src/lib.rs", lib)]);
    publish(&project, &["lowcrate"]);
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", PRINTS)]);
    let project = project.committed();
    let flags = format!("-Clink-arg={option}");
    for (checkout, cargo_home) in [
        (project.main(), "cargo-home"),
        (project.linked("longer/second"), "cargo-home"),
        (project.linked("third"), "another-home"),
    ] {
        let checkout = with_home(&project, &checkout, cargo_home).with("RUSTFLAGS", &flags);
        let checkout = checkout.with("SCCFG_WRAPPER_HOME", home);
        checkout.cargo(&["build"]).ok();
        let program = checkout.path("target/debug/app");
        let plain = checkout.path("target/plain");
        let mut decompress = Command::new("objcopy");
        succeeds(
            decompress
                .arg("--decompress-debug-sections")
                .args([&program, &plain]),
        );
        for placeholder in ["/sccfg-workspace", "/sccfg-target", "/sccfg-registry"] {
            assert!(!contains(&plain, placeholder), "{placeholder}");
        }
        let home = project.sandbox.path(cargo_home);
        assert!(
            contains(&plain, home.to_str().unwrap()),
            "{}",
            checkout.text()
        );
    }
}

/// The compiler of C notes the directory of the package, which is this checkout's.
#[requires(sccache, gdb)]
#[test]
fn gdb_finds_the_c_of_this_checkout() {
    let project = super::c::with_c();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("longer/second");
    let gone = project.sandbox.path("gone");
    second.cargo(&["build"]).ok().all_hit();
    std::fs::rename(&project.main().directory, &gone).unwrap();
    let said = gdb(
        &second,
        &second.path("target/debug/app"),
        "native",
        Path::new("/"),
    );
    std::fs::rename(&gone, &project.main().directory).unwrap();
    assert!(said.contains("return N"), "{said}");
    let located = said
        .lines()
        .find_map(|line| line.strip_prefix("Located in "));
    let located = located.unwrap_or_default();
    assert!(located.starts_with(second.text()), "{said}");
}

/// What C links in, or loads.
#[requires(sccache, gdb)]
#[test]
fn also_in_libraries_for_other_languages() {
    let project = Project::new();
    let lib = "#[no_mangle] pub extern \"C\" fn foreign(x: u32) -> u32 {\n    // the marker of main\n    std::hint::black_box(x) + 1\n}\n";
    let project = project
        .package(
            "low",
            "[lib]\ncrate-type = [\"cdylib\", \"staticlib\"]\n",
            &[("src/lib.rs", lib)],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("longer/second");
    second.cargo(&["build"]).ok();
    let source = second.path("target/use.c");
    std::fs::write(
        &source,
        "unsigned foreign(unsigned);\nint main(void) { return foreign(1) != 2; }\n",
    )
    .unwrap();
    let used = second.path("target/used");
    let mut cc = Command::new("cc");
    succeeds(
        cc.arg(&source)
            .arg(second.path("target/debug/liblow.a"))
            .args(["-o", used.to_str().unwrap(), "-lpthread", "-ldl", "-lm"]),
    );
    for program in [second.path("target/debug/liblow.so"), used] {
        let said = gdb(&second, &program, "foreign", Path::new("/"));
        assert!(
            said.contains("the marker of main"),
            "{}: {said}",
            program.display()
        );
        assert!(
            said.contains(second.text()),
            "{}: {said}",
            program.display()
        );
    }
}

/// A program that is built here of libraries that were compiled there.
#[requires(sccache, gdb)]
#[test]
fn a_program_of_this_checkout_with_libraries_of_another() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("longer/second");
    second.edit("crates/app/src/main.rs", "low::low(1)", "low::low(7)");
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    leads_here(
        &second,
        &second.path("target/debug/app"),
        "the marker of main",
    );
    second.edit(
        "crates/low/src/lib.rs",
        "the marker of main",
        "the marker of second",
    );
    second.cargo(&["build"]).ok();
    leads_here(
        &second,
        &second.path("target/debug/app"),
        "the marker of second",
    );
}

/// On macOS, `split-debuginfo = "packed"` makes one of the program's name.
#[requires(sccache, gdb)]
#[test]
fn a_directory_beside_a_program_is_not_changed() {
    let project = Project::new();
    let project = project
        .package(
            "app",
            "",
            &[("src/main.rs", "fn main() { println!(\"1\"); }\n")],
        )
        .committed();
    let main = project.main().with("CARGO_INCREMENTAL", "1");
    main.cargo(&["build"]).ok();
    let left = main.left_in_deps("debug");
    let program = left.iter().find(|name| !name.contains('.')).unwrap();
    let directory = format!("target/debug/deps/{program}.dSYM");
    std::fs::create_dir(main.path(&directory)).unwrap();
    main.write("crates/app/src/main.rs", "fn main() { println!(\"2\"); }\n");
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "2\n");
}
