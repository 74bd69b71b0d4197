//! Every kind of result: libraries, programs, and what is linked.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use super::environment::{MACROS, PROC_MACRO};
use super::project::{Checkout, Layout, Project, succeeds};

const LOW: &str = "#[no_mangle] pub extern \"C\" fn number() -> u32 { 7 }\npub fn text() -> &'static str { \"low\" }\n";

/// One crate of each kind.
fn project() -> Project {
    Project::new()
        .package("low", "[lib]\ncrate-type = [\"rlib\", \"cdylib\", \"staticlib\"]\n", &[("src/lib.rs", LOW)])
        .package("mac", PROC_MACRO, &[("src/lib.rs", MACROS)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\nmac = { path = \"../mac\" }\n[[test]]\nname = \"own\"\nharness = false\n",
            &[
                ("tests/own.rs", "fn main() { println!(\"a main of its own: {}\", low::number()); }\n"),
                ("src/main.rs", "fn main() { println!(\"{} {} {}\", low::text(), mac::variable!(\"CARGO_PKG_NAME\"), env!(\"S\")); }\n#[test] fn unit() {}\n"),
                ("src/bin/other.rs", "fn main() { println!(\"other {}\", low::number()); }\n"),
                ("build.rs", "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); println!(\"cargo::rustc-env=S=script\"); }\n"),
                ("tests/t.rs", "#[test] fn integration() { assert_eq!(low::number(), 7); }\n"),
                ("examples/e.rs", "fn main() { println!(\"example {}\", low::text()); }\n"),
                ("benches/b.rs", "fn main() { println!(\"bench {}\", low::text()); }\n"),
            ],
        )
        .committed()
}

const ALL: [&str; 3] = ["build", "--workspace", "--all-targets"];

/// Runs all there is to run.
#[track_caller]
fn works(checkout: &Checkout<'_>) {
    assert_eq!(checkout.says("app"), "low app script\n");
    assert_eq!(checkout.says("other"), "other 7\n");
    assert_eq!(checkout.says("examples/e"), "example low\n");
    let test = checkout.cargo(&["test", "-p", "app"]).ok();
    for said in ["unit ... ok", "integration ... ok", "a main of its own: 7"] {
        assert!(test.ran.stdout.contains(said), "{:?}", test.ran);
    }
    // C, with the archive and with the shared library.
    let source = checkout.path("target/use.c");
    fs::write(&source, "#include <stdio.h>\nunsigned number(void);\nint main(void) { printf(\"%u\\n\", number()); return 0; }\n").unwrap();
    for library in ["liblow.a", "liblow.so"] {
        let program = checkout.path("target/used");
        let mut cc = Command::new("cc");
        cc.arg(&source)
            .arg(checkout.path(&format!("target/debug/{library}")))
            .args(["-o", program.to_str().unwrap(), "-lpthread", "-ldl", "-lm"]);
        succeeds(&mut cc);
        let mut run = Command::new(&program);
        run.env("LD_LIBRARY_PATH", checkout.path("target/debug"));
        assert_eq!(succeeds(&mut run).stdout, b"7\n");
    }
}

#[requires(sccache)]
#[test]
fn every_kind_is_shared_and_works() {
    let project = project();
    let main = project.main();
    main.cargo(&ALL).ok();
    works(&main);
    for place in ["second", "a/b/deep"] {
        let linked = project.linked(place);
        linked.cargo(&ALL).ok().all_hit();
        works(&linked);
        linked.cargo(&ALL).ok().nothing_to_do();
    }
}

#[requires(sccache)]
#[test]
fn optimised_ones_as_well() {
    let project = project();
    let all = ["build", "--workspace", "--all-targets", "--release"];
    project.main().cargo(&all).ok();
    let second = project.linked("second");
    second.cargo(&all).ok().all_hit();
    assert_eq!(
        second.says_of(&second.path("target/release/app"), &[]),
        "low app script\n"
    );
}

/// Somebody strips, patches or truncates results in place: nobody else's may change.
/// Of these, cargo does not say what they are.
#[requires(sccache)]
#[test]
fn tests_with_a_harness_of_their_own() {
    let project = Project::new();
    let manifest =
        "[[test]]\nname = \"own\"\nharness = false\n[[bench]]\nname = \"speed\"\nharness = false\n";
    let main = "fn main() { println!(\"{}\", file!()); }\n";
    let files = [
        ("src/lib.rs", ""),
        ("tests/own.rs", main),
        ("benches/speed.rs", main),
    ];
    let project = project.package("low", manifest, &files).committed();
    let second = project.linked("second");
    for (command, file) in [("test", "tests/own.rs"), ("bench", "benches/speed.rs")] {
        project.main().cargo(&[command]).ok();
        let built = second.cargo(&[command]).ok();
        assert!(built.ran.stdout.contains(file), "{built:?}");
        built.all_hit();
    }
}

#[requires(sccache)]
#[test]
fn results_may_be_written_to_in_place() {
    let project = project();
    let main = project.main();
    main.cargo(&ALL).ok();
    let second = project.linked("second");
    second.cargo(&ALL).ok();
    for name in second.left_in_deps("debug") {
        let path = second.path("target/debug/deps").join(name);
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(
            metadata.permissions().mode() & 0o200,
            0o200,
            "{} is read-only",
            path.display()
        );
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"\nspoilt").unwrap();
    }
    works(&main);
    let third = project.linked("third");
    third.cargo(&ALL).ok().all_hit();
    for name in third.left_in_deps("debug") {
        let bytes = fs::read(third.path("target/debug/deps").join(&name)).unwrap();
        assert!(!bytes.ends_with(b"spoilt"), "{name}");
    }
    works(&third);
    main.clean();
    main.cargo(&ALL).ok().all_hit();
    works(&main);
}

#[requires(sccache)]
#[test]
fn programs_can_be_executed_and_libraries_have_the_usual_modes() {
    let project = project();
    project.main().cargo(&ALL).ok();
    let second = project.linked("second");
    let modes = || -> Vec<(String, u32)> {
        let names = second.left_in_deps("debug").into_iter();
        let mode = |name: &String| fs::metadata(second.path("target/debug/deps").join(name));
        names
            .map(|name| (name.clone(), mode(&name).unwrap().mode()))
            .collect()
    };
    second.cargo(&ALL).ok();
    let cached = modes();
    second.clean();
    second.uncached(&ALL).ok();
    let without = |all: Vec<(String, u32)>| -> Vec<String> {
        all.into_iter()
            .map(|(name, mode)| format!("{name} {mode:o}"))
            .collect()
    };
    assert_eq!(without(cached), without(modes()));
}

/// A proc macro is loaded into the compiler: a stale one would expand to what was.
#[requires(sccache)]
#[test]
fn a_macro_is_linked_again_when_its_dependency_changes() {
    let project = Project::new();
    let project = project
        .package("inner", "", &[("src/lib.rs", "pub fn word() -> String { helper() }\nfn helper() -> String { \"one\".to_owned() }\n")])
        .package("mac", "[lib]\nproc-macro = true\n[dependencies]\ninner = { path = \"../inner\" }\n", &[("src/lib.rs", "#[proc_macro] pub fn word(_: proc_macro::TokenStream) -> proc_macro::TokenStream { format!(\"{:?}\", inner::word()).parse().unwrap() }\n")])
        .package("app", "[dependencies]\nmac = { path = \"../mac\" }\n", &[("src/main.rs", "fn main() { println!(\"{}\", mac::word!()); }\n")])
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.edit("crates/inner/src/lib.rs", "\"one\"", "\"two\"");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "two\n");
    let third = project.linked("third");
    third.cargo(&["build"]).ok().all_hit();
    assert_eq!(third.says("app"), "one\n");
}

#[requires(sccache)]
#[test]
fn a_dylib_and_a_program_that_loads_it() {
    let project = Project::new();
    let project = project
        .package(
            "dynamic",
            "[lib]\ncrate-type = [\"dylib\"]\n",
            &[("src/lib.rs", "pub fn d() -> &'static str { \"dynamic\" }\n")],
        )
        .package(
            "user",
            "[dependencies]\ndynamic = { path = \"../dynamic\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", dynamic::d()); }\n",
            )],
        )
        .committed();
    let main = project.main().with("RUSTFLAGS", "-C prefer-dynamic");
    assert_eq!(main.cargo(&["run", "-q"]).ok().ran.stdout, "dynamic\n");
    let second = project
        .linked("second")
        .with("RUSTFLAGS", "-C prefer-dynamic");
    let built = second.cargo(&["run"]).ok().all_hit();
    assert_eq!(built.ran.stdout, "dynamic\n");
    second.edit("crates/dynamic/src/lib.rs", "\"dynamic\"", "\"changed\"");
    assert_eq!(second.cargo(&["run", "-q"]).ok().ran.stdout, "changed\n");
}

/// With the same flags, what was compiled for one profile serves the other.
#[requires(sccache)]
#[test]
fn the_dep_info_of_another_profile_names_its_own_files() {
    let project = Project::laid_out(Layout::V1)
        .file(
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n[profile.other]\ninherits = \"dev\"\n",
        )
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.cargo(&["build", "--profile", "other"]).ok();
    for (profile, directory) in [("dev", "debug"), ("other", "other")] {
        let deps = main.path(&format!("target/{directory}/deps"));
        let left = main.left_in_deps(directory);
        let is_dep_info = |file: &&String| Path::new(file).extension() == Some("d".as_ref());
        let file = left.iter().find(is_dep_info).unwrap();
        let dep_info = fs::read_to_string(deps.join(file)).unwrap();
        let output = format!("{}/app-", deps.display());
        assert_eq!(
            dep_info.matches(&output).count(),
            2,
            "{profile}: {dep_info}"
        );
    }
}
