//! The layouts of cargo's build directory, and the places where it may be: the same is shared, and
//! what comes out is right, in all of them.

use std::fs;
use std::path::{Path, PathBuf};

use indoc::indoc;
use memchr::memmem;
use rstest::rstest;

use super::project::{Checkout, Layout, Project, host, succeeds};

/// Where cargo is told to build.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Nothing is said.
    Default,
    /// `target/` is there already, made by somebody else: a volume of a container, `mkdir`.
    MadeBefore,
    /// Outside, each checkout in its own: `build.build-dir` in the environment.
    ByVariable,
    /// The same in the repository's own configuration.
    ByConfiguration,
    /// Below the workspace, where no file says that nobody else writes there.
    Below,
    /// A build directory that all checkouts share.
    SharedBuildDir,
    /// A target directory that all checkouts share.
    SharedTarget,
}

impl Place {
    fn prepare(self, project: Project) -> Project {
        match self {
            Self::ByConfiguration => project.file(
                ".cargo/config.toml",
                "[build]\nbuild-dir = \"{workspace-root}/../built/{workspace-path-hash}\"\n",
            ),
            Self::Below => project.file(".gitignore", "/target\n/built\n"),
            _ => project,
        }
    }

    fn set<'a>(self, project: &Project, checkout: &Checkout<'a>) -> Checkout<'a> {
        let outside = |name: &str| project.sandbox.path(name).to_str().unwrap().to_owned();
        let (name, value) = match self {
            Self::Default | Self::ByConfiguration => return checkout.clone(),
            Self::MadeBefore => {
                fs::create_dir(checkout.path("target")).unwrap();
                return checkout.clone();
            }
            Self::ByVariable => {
                let hashed = outside("built/{workspace-path-hash}");
                ("CARGO_BUILD_BUILD_DIR", hashed)
            }
            Self::Below => {
                fs::create_dir(checkout.path("built")).unwrap();
                ("CARGO_BUILD_BUILD_DIR", "built".to_owned())
            }
            Self::SharedBuildDir => ("CARGO_BUILD_BUILD_DIR", outside("shared")),
            Self::SharedTarget => ("CARGO_TARGET_DIR", outside("shared")),
        };
        checkout.with(name, &value)
    }
}

/// Where cargo compiles, and where its programs end up.
fn dirs(checkout: &Checkout<'_>) -> (PathBuf, PathBuf) {
    let mut metadata = checkout.command("cargo");
    let output = succeeds(metadata.args(["metadata", "--no-deps", "--format-version=1"]));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let dir = |name: &str| said[name].as_str().unwrap().into();
    (dir("build_directory"), dir("target_directory"))
}

/// A build script that has C compiled, which notes for debuggers where that was.
const SCRIPT: &str = r#"use std::{env, fs, process::Command};
fn main() {
    println!("cargo::rerun-if-changed=native.c");
    println!("cargo::rerun-if-changed=data");
    println!("cargo::rerun-if-changed=variable");
    let out = env::var("OUT_DIR").unwrap();
    let data = fs::read_to_string("data").unwrap();
    fs::write(format!("{out}/made.rs"), format!("pub fn made() -> &'static str {{ {data:?} }}")).unwrap();
    println!("cargo::rustc-env=SET_BY_SCRIPT={}", fs::read_to_string("variable").unwrap());
    let mut cc = match env::var("RUSTC_WRAPPER") {
        Ok(wrapper) if wrapper.ends_with("sccache") => { let mut it = Command::new(wrapper); it.arg("cc"); it }
        _ => Command::new("cc"),
    };
    let object = format!("{out}/native.o");
    assert!(cc.args(["-O0", "-g", "-c", "native.c", "-o", &object]).status().unwrap().success());
    let archive = format!("{out}/libnative.a");
    assert!(Command::new("ar").args(["crsD", &archive, &object]).status().unwrap().success());
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=native");
}
"#;
/// Nobody sees from outside which variable it reads.
const MACRO: &str = indoc! {r#"
    extern crate proc_macro;
    #[proc_macro] pub fn said(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let name = ["SET", "BY", "SCRIPT"].join("_"); format!("{:?}", std::env::var(name).unwrap()).parse().unwrap() }
"#};
const LOW: &str = indoc! {r#"
    include!(concat!(env!("OUT_DIR"), "/made.rs"));
    extern "C" { fn native() -> i32; }
    pub fn all() -> String { format!("{} {} {}", made(), mac::said!(), unsafe { native() }) }
"#};

/// A library with all that cargo keeps in its build directory, and a program above it.
fn project(layout: Layout) -> Project {
    let uses = |name: &str| format!("[dependencies]\n{name} = {{ path = \"../{name}\" }}\n");
    let low = [
        ("build.rs", SCRIPT),
        ("src/lib.rs", LOW),
        ("native.c", "int native(void) { return 7; }\n"),
        ("data", "first"),
        ("variable", "first"),
    ];
    let main = "fn main() { println!(\"{}\", low::all()); }\n";
    Project::laid_out(layout)
        .package(
            "mac",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", MACRO)],
        )
        .package("low", &uses("mac"), &low)
        .package("app", &uses("low"), &[("src/main.rs", main)])
}

/// What a program says, without the slashes that fill up a path in it.
fn bytes_of(program: &Path) -> Vec<u8> {
    let mut bytes = fs::read(program).unwrap();
    bytes.dedup_by(|next, before| (*next, *before) == (b'/', b'/'));
    bytes
}

fn has(bytes: &[u8], text: &str) -> bool {
    memmem::find(bytes, text.as_bytes()).is_some()
}

#[rstest]
#[case(Layout::V1, Place::MadeBefore)]
#[case(Layout::V1, Place::ByVariable)]
#[case(Layout::V1, Place::SharedBuildDir)]
#[case(Layout::V1, Place::SharedTarget)]
#[case(Layout::V2, Place::Default)]
#[case(Layout::V2, Place::MadeBefore)]
#[case(Layout::V2, Place::ByConfiguration)]
#[case(Layout::V2, Place::Below)]
#[case(Layout::V2, Place::SharedBuildDir)]
#[case(Layout::V2, Place::SharedTarget)]
#[requires(sccache)]
fn a_second_worktree_hits_wherever_cargo_builds(#[case] layout: Layout, #[case] place: Place) {
    let project = project(layout);
    let project = place.prepare(project).committed();
    let main = place.set(&project, &project.main());
    main.cargo(&["build"]).ok();
    let before = project.counts();
    let second = place.set(&project, &project.linked("a/b/second"));
    second.cargo(&["build"]).ok().all_hit();
    if !project.wrapper().ends_with("env") {
        let counts = project.counts() - before;
        assert_eq!((counts.rust_misses, counts.c_misses), (0, 0), "{counts:?}");
    }
    second.cargo(&["build"]).ok().nothing_to_do();

    let (build, target) = dirs(&second);
    let program = target.join("debug/app");
    assert_eq!(second.says_of(&program, &[]), "first first 7\n");
    // To debuggers, what the script made, and C, are where they are here.
    let bytes = bytes_of(&program);
    assert!(!has(&bytes, &"_".repeat(40)));
    assert!(has(&bytes, build.to_str().unwrap()));
    assert!(has(&bytes, second.path("crates/low").to_str().unwrap()));
    assert!(!has(
        &bytes,
        project.main().path("crates").to_str().unwrap()
    ));
    // What the script says afterwards counts, and what it makes.
    second.write("crates/low/variable", "second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says_of(&program, &[]), "first second 7\n");
    second.write("crates/low/data", "made");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says_of(&program, &[]), "made second 7\n");
}

/// As cargo itself does, the last to build leaves its own there.
#[rstest]
#[case(Layout::V1, Place::SharedTarget)]
#[case(Layout::V2, Place::SharedBuildDir)]
#[requires(sccache)]
fn checkouts_that_share_a_directory_build_in_turn(#[case] layout: Layout, #[case] place: Place) {
    let project = project(layout);
    let places = "pub const PLACE: &str = env!(\"CARGO_MANIFEST_DIR\");\n";
    let main = "fn main() { println!(\"{} {}\", low::all(), placed::PLACE); }\n";
    let uses = "[dependencies]\nlow = { path = \"../low\" }\nplaced = { path = \"../placed\" }\n";
    let project = project
        .package("placed", "", &[("src/lib.rs", places)])
        .package("app", uses, &[("src/main.rs", main)])
        .committed();
    let checkouts = [project.main(), project.linked("a/b/second")];
    let checkouts = checkouts
        .each_ref()
        .map(|checkout| place.set(&project, checkout));
    for round in 0..3 {
        for checkout in &checkouts {
            // cargo goes by times, and takes a source that is older than what it built for built.
            for file in [
                "low/build.rs",
                "low/src/lib.rs",
                "placed/src/lib.rs",
                "app/src/main.rs",
                "mac/src/lib.rs",
            ] {
                let file = format!("crates/{file}");
                checkout.write(&file, &checkout.read(&file));
            }
            let built = checkout.cargo(&["build"]).ok();
            if round > 0 {
                built.all_hit();
            }
            let (_, target) = dirs(checkout);
            let own = checkout.path("crates/placed");
            assert_eq!(
                checkout.says_of(&target.join("debug/app"), &[]),
                format!("first first 7 {}\n", own.display()),
                "round {round}"
            );
        }
    }
}

/// Build scripts are compiled for the host, and run for the target, with directories of their own each.
#[rstest]
#[requires(sccache)]
fn what_is_built_for_a_named_target_hits(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = project(layout).committed();
    let host = host();
    let args = ["build", "--target", &host];
    project.main().cargo(&args).ok();
    let before = project.counts();
    let second = project.linked("a/b/second");
    second.cargo(&args).ok().all_hit();
    if !project.wrapper().ends_with("env") {
        let counts = project.counts() - before;
        assert_eq!((counts.rust_misses, counts.c_misses), (0, 0), "{counts:?}");
    }
    let program = second.path(&format!("target/{host}/debug/app"));
    assert_eq!(second.says_of(&program, &[]), "first first 7\n");
    let bytes = bytes_of(&program);
    assert!(has(
        &bytes,
        &format!("{}/target/{host}/debug/build", second.text())
    ));
    assert!(!has(&bytes, &"_".repeat(40)));
}

/// cargo's metadata do not say which layout it is.
#[requires(sccache)]
#[test]
fn a_cache_that_was_filled_in_one_layout_serves_libraries_in_the_other() {
    let project = Project::new();
    let project = project
        .package("low", "", &[("src/lib.rs", "pub fn f() -> u32 { 1 }\n")])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{}\", low::f()); }\n")],
        )
        .committed()
        .with_layout(Layout::V1);
    project.main().cargo(&["build"]).ok().compiled_some();
    let project = project.with_layout(Layout::V2);
    let second = project.linked("second");
    // The name of a program's file, which has a hash in the one and none in the other, is rustc's.
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    assert_eq!(second.says("app"), "1\n");
}

#[rstest]
#[case(Layout::V1, Place::ByVariable)]
#[case(Layout::V2, Place::Default)]
#[case(Layout::V2, Place::ByConfiguration)]
#[requires(sccache)]
fn explain_finds_the_units_wherever_they_are(#[case] layout: Layout, #[case] place: Place) {
    let project = project(layout);
    let project = place.prepare(project).committed();
    let main = place.set(&project, &project.main());
    let args = ["build", "--target", &host()];
    main.cargo(&args).ok();
    let second = place.set(&project, &project.linked("second"));
    second.write("crates/low/variable", "second");
    second.cargo(&args).ok();
    let explain = |name: &str, more: &[&str]| {
        let mut sccfg = second.command(env!("CARGO_BIN_EXE_sccfg"));
        sccfg.args(["wrapper", "explain", name]).args(more);
        String::from_utf8(succeeds(&mut sccfg).stdout).unwrap()
    };
    let text = explain("low", &["--against", main.text()]);
    assert!(text.contains("low (lib), compiled\n"), "{text}");
    // Values may be secret.
    let mut different = text.lines().filter(|line| line.contains("$SET_BY_SCRIPT"));
    let line = different.next().unwrap_or_default();
    assert!(
        line == "    $SET_BY_SCRIPT: set here, to another value there",
        "{text}"
    );
    assert_eq!(different.next(), None, "{text}");
    let script = text.split("low: build script, from the cache\n").nth(1);
    assert!(
        script
            .unwrap()
            .contains("  the same key in the other checkout"),
        "{text}"
    );
    assert!(explain("mac", &[]).contains("mac (proc-macro), from the cache"));
}

/// A macro reads the files of its workspace, of which what cargo builds is none.
#[rstest]
#[requires(sccache)]
fn what_is_built_below_the_workspace_is_not_a_source(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = Project::laid_out(layout);
    let reads = indoc! {r#"
        extern crate proc_macro;
        #[proc_macro] pub fn text(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
        format!("{:?}", std::fs::read_to_string("text").unwrap()).parse().unwrap() }
    "#};
    let project = Place::Below
        .prepare(project)
        .file("text", "read")
        .file(".gitignore", "/target\n")
        .package(
            "mac",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", reads)],
        )
        .package(
            "app",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", mac::text!()); }\n",
            )],
        )
        .committed();
    let main = Place::Below.set(&project, &project.main());
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "read\n");
    let second = Place::Below.set(&project, &project.linked("second"));
    second.cargo(&["build"]).ok().all_hit();
}
