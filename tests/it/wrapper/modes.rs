//! Permissions: files that a cache delivers have those that this build would have given them, whatever the umask of the build that
//! made them, or of sccache's server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use rstest::rstest;

use super::build_scripts::{
    DECLARES_ITSELF, NATIVE, READS_C, script, take_runs, with_runs, with_script_of_c,
};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project};
use crate::support::Ran;

const UMASKS: [&str; 3] = ["022", "002", "077"];

/// `cargo build` with this umask and this wrapper.
fn build(checkout: &Checkout<'_>, umask: &str, wrapper: Option<&Path>) -> Output {
    let mut command = checkout.command("sh");
    let text = format!("umask {umask}; exec cargo build --offline");
    command.args(["-c", &text]).env_remove("RUSTC_WRAPPER");
    if let Some(wrapper) = wrapper {
        command.env("RUSTC_WRAPPER", wrapper);
    }
    command.output().unwrap()
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let with_own = paths.flat_map(|path| {
        let more = if path.is_dir() {
            below(&path)
        } else {
            Vec::new()
        };
        [vec![path], more].concat()
    });
    with_own.collect()
}

/// The names and modes of the files and directories that `is_it` takes.
fn modes(checkout: &Checkout<'_>, is_it: impl Fn(&str) -> bool) -> Vec<(String, u32)> {
    let root = checkout.path("target");
    let paths = below(&root);
    let names = paths
        .iter()
        .map(|path| (path, path.strip_prefix(&root).unwrap().to_str().unwrap()));
    let mut modes: Vec<_> = names
        .filter(|(_, name)| !name.contains(".sccfg") && is_it(name))
        .map(|(path, name)| {
            (
                name.to_owned(),
                fs::metadata(path).unwrap().permissions().mode() & 0o7777,
            )
        })
        .collect();
    modes.sort();
    modes
}

/// That all of these files have the modes of an uncached build, with each umask, and twice.
#[track_caller]
fn are_as_uncached(project: &Project, number: usize, is_it: impl Fn(&str) -> bool) {
    let main = project.main();
    for umask in UMASKS {
        main.clean();
        main.outcome(&["build"], &build(&main, umask, None)).ok();
        let wanted = modes(&main, &is_it);
        assert_eq!(wanted.len(), number, "{wanted:?}");
        for _ in 0..2 {
            main.clean();
            let output = build(&main, umask, Some(project.wrapper()));
            main.outcome(&["build"], &output).ok();
            assert_eq!(modes(&main, &is_it), wanted, "{umask}");
        }
    }
}

#[requires(sccache)]
#[test]
fn libraries_without_a_portable_key() {
    let project = Project::new()
        .file("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n[profile.dev]\nrpath = true\n")
        .package("low", "", &[("src/lib.rs", "pub fn f() {}\n")])
        .committed();
    are_as_uncached(&project, 5, |name| {
        name.contains("low") && !name.contains("fingerprint")
    });
}

/// Where the run is not stored: it asks for the clock.
#[rstest]
#[requires(sccache)]
#[case::objects("\"-o\", \"a.o\"", 1)]
#[case::attached("\"-oa.o\"", 1)]
#[case::named_by_the_compiler("", 1)]
#[case::dependencies("\"-MD\", \"-MF\", \"a.list\", \"-o\", \"a.o\"", 2)]
#[case::dependencies_attached("\"-MMD\", \"-MFa.list\", \"-o\", \"a.o\"", 2)]
#[case::dependencies_named_by_the_compiler("\"-MD\", \"-o\", \"a.o\"", 2)]
fn objects_of_c(#[case] more: &str, #[case] number: usize) {
    let compile = format!(
        "use std::{{env, process::Command}};\nfn main() {{\n\
         let _ = std::time::SystemTime::now();\n\
         let wrapper = env::var(\"RUSTC_WRAPPER\").unwrap_or(\"env\".to_owned());\n\
         let source = env::var(\"CARGO_MANIFEST_DIR\").unwrap() + \"/a.c\";\n\
         let args: &[&str] = &[\"cc\", \"-c\", &source, {more}];\n\
         let mut command = Command::new(wrapper);\n\
         let compile = command.args(args).current_dir(env::var(\"OUT_DIR\").unwrap());\n\
         assert!(compile.status().unwrap().success());\n}}\n"
    );
    let files = [
        ("build.rs", compile.as_str()),
        ("src/lib.rs", ""),
        ("a.c", "int f(void) { return 1; }\n"),
    ];
    let project = Project::new().package("low", "", &files).committed();
    are_as_uncached(&project, number, |name| name.contains("/out/"));
}

const WRITES: &str = r#"use std::os::unix::fs::PermissionsExt as _;
    println!("cargo::rerun-if-changed=build.rs");
    fs::create_dir(format!("{out}/directory")).unwrap();
    fs::write(format!("{out}/directory/file"), "x").unwrap();
    fs::write(format!("{out}/large"), vec![b'x'; 1 << 18]).unwrap();
    for mode in MODES {
        let path = format!("{out}/{mode:o}");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
"#;

fn writing(modes: &str) -> Project {
    let build = script(&WRITES.replace("MODES", modes));
    let files = [("build.rs", build.as_str()), ("src/lib.rs", "")];
    with_runs(Project::new().with_store())
        .package("low", "", &files)
        .committed()
}

/// What a script gave a mode keeps it.
#[requires(sccache)]
#[test]
fn what_a_build_script_made() {
    let project = writing("[0o755, 0o600, 0o444, 0o640]");
    are_as_uncached(&project, 7, |name| name.contains("/out/"));
    // Without the three uncached builds: one run serves all.
    assert_eq!(take_runs(&project), 3 + 1);
}

/// A file for nobody else may have been made so by the script, or by the umask.
#[requires(sccache)]
#[test]
fn what_a_build_script_made_for_this_user_alone() {
    let project = writing("[0o600]");
    let (main, second) = (project.main(), project.linked("second"));
    main.outcome(&["build"], &build(&main, "077", Some(project.wrapper())))
        .ok();
    second
        .outcome(&["build"], &build(&second, "022", Some(project.wrapper())))
        .ok();
    assert_eq!(take_runs(&project), 2);
    let found = modes(&second, |name| name.contains("/out/"));
    let found: Vec<u32> = found.into_iter().map(|(_, mode)| mode).collect();
    assert_eq!(found, [0o600, 0o755, 0o644, 0o644]);
    let third = project.linked("third");
    third
        .outcome(&["build"], &build(&third, "022", Some(project.wrapper())))
        .ok();
    assert_eq!(take_runs(&project), 0);
}

/// The outcome of a program that may not write where the modes forbid it, although root runs it.
fn by_modes(checkout: &Checkout<'_>, program: &str, args: &[&str]) -> Output {
    let mut command = checkout.command("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", "--", program]);
    command.args(args).output().unwrap()
}

/// A script that finds a directory as it has left it, such as a copy from Nix's store, cannot write there.
const READ_ONLY: &str = "fs::create_dir(format!(\"{out}/kept\")).unwrap();
    fs::write(format!(\"{out}/kept/file\"), \"x\").unwrap();
    fs::set_permissions(format!(\"{out}/kept\"), std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();";

/// cargo creates an empty `OUT_DIR`, and the script gets that if a stored result cannot have the paths of this checkout.
#[requires(sccache, root, setpriv)]
#[test]
fn nothing_is_left_of_a_result_that_cannot_be_used() {
    let lines = format!("{READS_C}\n{READ_ONLY}");
    let project = with_script_of_c("published", &lines, NATIVE);
    for name in ["main", "another/second"] {
        if name != "main" {
            project.linked(name);
        }
        let checkout = project.checkout(project.sandbox.path(name));
        let checkout = checkout.with("APP_PLACE", "1");
        let output = by_modes(&checkout, "cargo", &["build", "--offline"]);
        checkout.outcome(&["build"], &output).ok();
        says_the_same_uncached(&checkout);
    }
    assert_eq!(take_runs(&project), 4);
}

#[requires(sccache, root, setpriv)]
#[test]
fn what_an_interrupted_seeding_has_left_is_removed() {
    let build = script(&format!("{DECLARES_ITSELF}\n{READ_ONLY}"));
    let files = [("build.rs", build.as_str()), ("src/lib.rs", "")];
    let project = with_runs(Project::new().with_store())
        .package("low", "", &files)
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let left = "main/.git/worktrees/second/sccfg-seed/debug/build/low-0/out/kept";
    project.sandbox.write(&format!("{left}/file"), "x");
    let left = project.sandbox.path(left);
    fs::set_permissions(&left, fs::Permissions::from_mode(0o555)).unwrap();
    let output = by_modes(&second, env!("CARGO_BIN_EXE_sccfg"), &["seed"]);
    let ran = Ran::new("sccfg seed".to_owned(), &output).status(0);
    ran.stdout_has("seeded");
    second.cargo(&["build"]).ok().nothing_to_do();
}
