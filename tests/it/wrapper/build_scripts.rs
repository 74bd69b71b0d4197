//! Runs of build scripts: what the store delivers is what a run here would have made, and a script whose
//! result may be another one runs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rstest::rstest;
use serde_json::Value;

use super::command::said;
use super::crashes::{kill, running};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Layout, Project, package, succeeds};
use super::registry;
use super::seed::seed;
use crate::support::{Sandbox, wait_until};

/// The variable that names the file in which each run of a script leaves a line.
const RUNS: &str = "SCCFG_WRAPPER_TEST_RUNS";

/// A build script of these lines. `out` is the directory for its files.
pub(super) fn script(lines: &str) -> String {
    format!(
        "use std::{{env, fs, io::Write as _}};\nfn main() {{\n\
         let out = env::var(\"OUT_DIR\").unwrap();\n\
         writeln!(fs::File::options().append(true).open(&env::var(\"{RUNS}\").unwrap()[1..]).unwrap(), \"run\").unwrap();\n\
         {lines}\n}}\n"
    )
}

/// A script that writes this expression as the text `SAID`.
pub(super) fn saying(value: &str) -> String {
    script(&format!(
        "let said = {value};\nfs::write(format!(\"{{out}}/g.rs\"), format!(\"pub const SAID: &str = {{said:?}};\")).unwrap();"
    ))
}

const LIB: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n";
const MAIN: &str = "fn main() { println!(\"{}\", published::SAID); }\n";
const USES: &str = "[dependencies]\npublished = \"0.1.0\"\n";

/// What a script prints that reads none but its own files, as it says.
pub(super) const DECLARES_ITSELF: &str = "println!(\"cargo::rerun-if-changed=build.rs\");";

/// An expression for `path` of which no text has more than one part.
pub(super) fn put_together(path: &Path) -> String {
    let parts: Vec<_> = path.iter().skip(1).collect();
    format!("std::path::Path::new(\"/\").join({parts:?}.join(\"/\"))")
}

/// A program above a published package with this build script.
pub(super) fn app(script: &str) -> Project {
    app_of(|_| script.to_owned())
}

/// The same with a script that is written for the sandbox.
pub(super) fn app_of(script: impl FnOnce(&Sandbox) -> String) -> Project {
    let project = with_runs(Project::new().with_store());
    let script = script(&project.sandbox);
    let files = [
        ("build.rs", script.as_str()),
        ("src/lib.rs", LIB),
        ("data", "data"),
    ];
    let project = publish(project, "published", &files);
    project.package("app", USES, &[("src/main.rs", MAIN)])
}

/// A program above a published package with this build script, which uses the published crate `helper` of these files.
pub(super) fn app_with_helper(script: &str, helper: &[(&str, &str)]) -> Project {
    let project = with_home(with_runs(Project::new().with_store()));
    registry::package(&project, "helper", "", helper);
    let uses = "[build-dependencies]\nhelper = \"0.1\"\n";
    let files = [("build.rs", script), ("src/lib.rs", LIB)];
    registry::package(&project, "published", uses, &files);
    registry::publish(&project, &["helper", "published"]);
    project.package("app", USES, &[("src/main.rs", MAIN)])
}

/// The project with a `CARGO_HOME` of its own.
fn with_home(mut project: Project) -> Project {
    let home = project.sandbox.path("cargo-home");
    fs::create_dir(&home).unwrap();
    let home = home.to_str().unwrap();
    project.sandbox = project.sandbox.variable("CARGO_HOME", home);
    project
}

/// Publishes the package `name` of these files to a registry of the project.
pub(super) fn publish(project: Project, name: &str, files: &[(&str, &str)]) -> Project {
    let project = with_home(project);
    registry::package(&project, name, "", files);
    registry::publish(&project, &[name]);
    project
}

pub(super) fn with_runs(mut project: Project) -> Project {
    let file = project.sandbox.path("tmp/runs");
    fs::write(&file, "").unwrap();
    // What an absolute path in a variable names would be an input.
    let value = format!("+{}", file.display());
    project.sandbox = project.sandbox.variable(RUNS, &value);
    project
}

/// How often a script ran since the last call.
pub(super) fn take_runs(project: &Project) -> usize {
    let file = project.sandbox.path("tmp/runs");
    let runs = fs::read_to_string(&file).unwrap().lines().count();
    fs::write(&file, "").unwrap();
    runs
}

const OF_PLACE: &str = "format!(\"{out} {}\", env::current_dir().unwrap().display())";

#[rstest]
#[requires(sccache)]
fn a_second_worktree_runs_no_script(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = app(&saying(OF_PLACE)).with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    let second = project.linked("a/b/second");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    second.cargo(&["build"]).ok().nothing_to_do();
    let said = says_the_same_uncached(&second);
    assert!(said.contains(second.text()), "{said}");
}

/// The compiler is given the name of the link. The length of the path is in the output, and the path is not.
#[requires(sccache)]
#[test]
fn behind_a_link_to_a_longer_path_scripts_run_once_and_print_their_own_paths() {
    let lines = "fs::write(format!(\"{out}/g.rs\"), format!(\"pub const SAID: usize = {out:?}.len();\")).unwrap();";
    let project = app(&script(lines)).committed();
    let main = project.main();
    let results = project.sandbox.path(&format!("results/{}", "x".repeat(40)));
    for _ in 0..2 {
        fs::create_dir_all(&results).unwrap();
        let _ = std::os::unix::fs::symlink(&results, main.path("target"));
        main.cargo(&["build"]).ok();
        let length = main.says("app").trim().parse::<usize>().unwrap();
        assert!(length > main.path("target/debug/build").to_str().unwrap().len());
        fs::remove_dir_all(&results).unwrap();
    }
    assert_eq!(take_runs(&project), 1);
    let second = project.linked("a/b/second");
    second.cargo(&["build"]).ok();
    says_the_same_uncached(&second);
}

/// cargo gives it a name in the directory of the profile as soon as it is built.
#[rstest]
#[requires(sccache)]
fn a_script_is_stored_that_runs_while_another_crate_is_built(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let lines = "std::thread::sleep(std::time::Duration::from_secs(4)); fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: u8 = 1;\").unwrap();";
    let waits = "fn main() { std::thread::sleep(std::time::Duration::from_secs(2)); }\n";
    let other = [("build.rs", waits), ("src/lib.rs", "")];
    // The names of these have no hash.
    let kinds = "[lib]\ncrate-type = [\"cdylib\", \"staticlib\", \"rlib\"]\n";
    let project = app(&script(lines)).package("other", kinds, &other);
    let project = project.with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    project.linked("second").cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
}

#[rstest]
#[requires(sccache)]
#[case::declared(
    "{ println!(\"cargo::rerun-if-env-changed=APP_VALUE\"); env::var(\"APP_VALUE\").unwrap_or_default() }",
    "APP_VALUE"
)]
#[case::undeclared(
    "{ println!(\"cargo::rerun-if-changed=build.rs\"); env::var(\"APP_VALUE\").unwrap_or_default() }",
    "APP_VALUE"
)]
#[case::computed(
    "{ println!(\"cargo::rerun-if-changed=build.rs\"); env::var(format!(\"APP_{}\", \"VALUE\")).unwrap_or_default() }",
    "APP_VALUE"
)]
#[case::of_a_session(
    "{ println!(\"cargo::rerun-if-changed=build.rs\"); env::var(\"TERM\").unwrap_or_default() }",
    "TERM"
)]
#[case::of_a_program(
    "{ println!(\"cargo::rerun-if-changed=build.rs\"); String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"echo $APP_VALUE\"]).output().unwrap().stdout).unwrap() }",
    "APP_VALUE"
)]
#[case::put_together(
    "{ println!(\"cargo::rerun-if-changed=build.rs\"); env::var([\"OTH\", \"ER\"].concat()).unwrap_or_default() }",
    "OTHER"
)]
#[case::put_together_for_a_program(
    "{ println!(\"cargo::rerun-if-changed=build.rs\"); String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", &[\"echo $OTH\", \"ER\"].concat()]).output().unwrap().stdout).unwrap() }",
    "OTHER"
)]
#[case::of_a_probe(PROBE, "OTHER")]
#[case::called_like_an_option(
    "env::var(\"--out\".trim_start_matches('-')).unwrap_or_default()",
    "out"
)]
#[case::called_like_a_placeholder(
    "env::var(\"{out}\".trim_matches(['{', '}'])).unwrap_or_default()",
    "out"
)]
#[case::of_clippy(
    "env::var([\"CLIPPY\", \"ARGS\"].join(\"_\")).unwrap_or_default()",
    "CLIPPY_ARGS"
)]
#[case::of_clippy_in_a_script(
    "{ fs::write(format!(\"{out}/x.sh\"), [\"echo $CLIPPY_A\", \"RGS\"].concat()).unwrap(); String::from_utf8(std::process::Command::new(\"sh\").arg(format!(\"{out}/x.sh\")).output().unwrap().stdout).unwrap() }",
    "CLIPPY_ARGS"
)]
#[case::of_a_derivation_in_a_script(
    "{ fs::write(format!(\"{out}/x.sh\"), [\"echo $nativeBuild\", \"Inputs\"].concat()).unwrap(); String::from_utf8(std::process::Command::new(\"sh\").arg(format!(\"{out}/x.sh\")).output().unwrap().stdout).unwrap() }",
    "nativeBuildInputs"
)]
#[case::of_a_derivation(
    "env::var([\"native\", \"BuildInputs\"].concat()).unwrap_or_default()",
    "nativeBuildInputs"
)]
#[case::of_nix_in_a_shell(
    "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"echo ${name}\"]).output().unwrap().stdout).unwrap()",
    "name"
)]
fn a_variable_that_changed_runs_the_script(#[case] value: &str, #[case] name: &str) {
    let project = app(&saying(value)).committed();
    project.main().with(name, "one").cargo(&["build"]).ok();
    let same = project.linked("same").with(name, "one");
    same.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1, "the second checkout hits");
    let second = project.linked("second").with(name, "two");
    second.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&second).contains("two"));
}

/// Tries by the wrapper what the compiler can do, as proc-macro2, thiserror and anyhow do. What is tried depends on a variable that the
/// script does not name.
const PROBE: &str = "{ println!(\"cargo::rerun-if-changed=build.rs\"); let probe = format!(\"{out}/probe\"); \
    fs::create_dir(&probe).unwrap(); let source = format!(\"{probe}/p.rs\"); \
    let tried = [\"const _: () = if let Some(value) = option_env!(\\\"OTH\", \"ER\\\") { assert!(value.as_bytes()[0] == b'o') };\"].concat(); \
    fs::write(&source, tried).unwrap(); \
    let mut words = env::var_os(\"RUSTC_WRAPPER\").into_iter().chain(env::var_os(\"RUSTC\")); \
    let done = std::process::Command::new(words.next().unwrap()).args(words) \
        .args([\"--crate-name=p\", \"--crate-type=lib\", \"--emit=dep-info,metadata\", \"--out-dir\", &probe, &source]).output().unwrap(); \
    fs::remove_dir_all(&probe).unwrap(); if done.status.success() { \"one\" } else { \"two\" } }";

/// The first run shows which variables a script reads. What a shell does may depend on any, but for those that differ in each job
/// of a CI or each terminal.
#[rstest]
#[requires(sccache)]
#[case::by_itself("fs::read_to_string(\"data\").unwrap()", &["OTHER", "GITHUB_SHA", "CI_COMMIT_SHA"])]
#[case::by_a_compiler("String::from_utf8(std::process::Command::new(\"cc\").arg(\"--version\").output().unwrap().stdout).unwrap()", &["OTHER"])]
#[case::by_a_shell("String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"echo x\"]).output().unwrap().stdout).unwrap()", &["GITHUB_SHA", "CI_COMMIT_SHA", "ATUIN_HISTORY_ID", "HOST_PATH", "nativeBuildInputs", "stdenv"])]
#[case::by_a_probe(PROBE, &["ANOTHER"])]
// Dev shells of Nix set these. The probe has options that are called like them.
#[case::of_nix_by_a_probe(PROBE, &["name", "out", "outputs"])]
// As libc's script, which tries to run `emcc`.
#[case::by_a_program_that_is_missing("std::process::Command::new(\"no-such-program\").output().is_err().to_string()", &["OTHER"])]
fn a_variable_that_no_script_reads_does_not_count(#[case] value: &str, #[case] names: &[&str]) {
    let value = format!("{{ {DECLARES_ITSELF} {value} }}");
    let project = app(&saying(&value)).committed();
    // The compiler that logs what it compiles is a script, which may read any variable.
    let with = |checkout: Checkout<'_>, value: &str| {
        let mut checkout = checkout.without("RUSTC");
        for name in names {
            checkout = checkout.with(name, value);
        }
        checkout.cargo(&["build"]).ok();
    };
    with(project.main(), "one");
    assert_eq!(take_runs(&project), 1);
    with(project.linked("second"), "two");
    let third = project.linked("third").without("RUSTC");
    third.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
}

/// The compilers of nixpkgs are such scripts.
#[rstest]
#[requires(sccache, bwrap, mount)]
#[case::that_it_names("FLAGS_OF_NM", true)]
#[case::that_it_puts_together("FLAGS_OF_NM_FOR_TARGET", true)]
#[case::that_shells_read("BASH_ENV", true)]
#[case::no_other("OTHER", false)]
fn a_script_in_front_of_a_tool_reads_the_variables_that_it_names(
    #[case] name: &str,
    #[case] counts: bool,
) {
    let value =
        "String::from_utf8(std::process::Command::new(\"nm\").output().unwrap().stdout).unwrap()";
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    let tool = Path::new("/usr/bin/nm").canonicalize().unwrap();
    let script = project.sandbox.path("nm");
    let text = "#!/bin/bash\nfor suffix in '' _FOR_TARGET; do variable=FLAGS_OF_NM$suffix; printf '%s ' \"${!variable}\"; done\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    for (place, value) in [("one", "one"), ("same", "one"), ("two", "two")] {
        let checkout = project.linked(place).with(name, value);
        let mut command = checkout.command("bwrap");
        command.args(["--dev-bind", "/", "/", "--ro-bind"]);
        command
            .args([&script, &tool])
            .args(["cargo", "build", "--offline"]);
        let output = command.stderr(Stdio::piped()).output().unwrap();
        checkout.outcome(&["build"], &output).ok();
        let expected = match name.strip_prefix("FLAGS_OF_NM") {
            Some("") => format!("{value}  "),
            Some(_) => format!(" {value} "),
            None => "  ".to_owned(),
        };
        assert_eq!(checkout.says("app"), format!("{expected}\n"));
    }
    assert_eq!(take_runs(&project), if counts { 2 } else { 1 });
}

#[rstest]
#[requires(sccache)]
#[case::none("-O2", false)]
#[case::one("-O2 -march=native", true)]
fn flags_for_the_processor_tie_a_run_to_it(#[case] flags: &str, #[case] is_tied: bool) {
    let project = app(&saying("\"x\"")).committed();
    let main = project.main().with("CFLAGS", flags);
    main.cargo(&["build"]).ok();
    let explained = said(&main, &["wrapper", "explain", "published"]);
    assert_eq!(explained.contains(" processor: "), is_tied, "{explained}");
}

/// Files outside of the package that the script does not declare.
#[rstest]
#[requires(sccache)]
#[case::text("fs::read_to_string(\"OUTSIDE/file\").unwrap()")]
#[case::absent("std::path::Path::new(\"OUTSIDE/absent\").exists().to_string()")]
#[case::of_a_program(
    "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"cat OUTSIDE/file\"]).output().unwrap().stdout).unwrap()"
)]
#[case::flags(
    "String::from_utf8(std::process::Command::new(\"cc\").args(env::var(\"APP_CFLAGS\").unwrap().split(' ')).args([\"-E\", \"-P\", \"-xc\", \"data\"]).output().unwrap().stdout).unwrap()"
)]
fn a_file_outside_that_changed_runs_the_script(#[case] value: &str) {
    let project = with_runs(Project::new().with_store());
    let outside = project.sandbox.path("outside");
    let outside = outside.to_str().unwrap();
    let declares = "println!(\"cargo::rerun-if-changed=build.rs\");";
    let value = value.replace("OUTSIDE", outside);
    let build = saying(&format!("{{ {declares} {value} }}"));
    let files = [
        ("build.rs", build.as_str()),
        ("src/lib.rs", LIB),
        ("data", "#include <x.h>\nX\n"),
    ];
    let project = publish(project, "published", &files);
    let project = project.package("app", USES, &[("src/main.rs", MAIN)]);
    let project = project.committed();
    let flags = format!("-I{outside}");
    let write = |name: &str, text: &str| project.sandbox.write(&format!("outside/{name}"), text);
    write("file", "one");
    write("x.h", "#define X one\n");
    let main = project.main().with("APP_CFLAGS", &flags);
    main.cargo(&["build"]).ok();
    let same = project.linked("same").with("APP_CFLAGS", &flags);
    same.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1, "the second checkout hits");
    write("file", "two");
    write("x.h", "#define X two\n");
    write("absent", "");
    let second = project.linked("second").with("APP_CFLAGS", &flags);
    second.cargo(&["build"]).ok();
    let said = second.says("app");
    assert!(said.contains("two") || said.contains("true"), "{said}");
}

/// As `cc` does. In each dev shell of Nix, it is another one.
#[requires(sccache)]
#[test]
fn a_crate_that_a_script_uses_may_write_to_the_directory_for_temporary_files() {
    let tool = "pub fn make() { let file = std::env::temp_dir().join(\"scratch\"); std::fs::write(&file, \"x\").unwrap(); }\n";
    let build = saying("{ helper::make(); \"made\" }");
    let project = app_with_helper(&build, &[("src/lib.rs", tool)]).committed();
    let shell = |checkout: &str, temporary: &str| {
        let directory = project.sandbox.path(temporary);
        fs::create_dir_all(&directory).unwrap();
        let checkout = project.linked(checkout);
        checkout
            .with("TMPDIR", directory.to_str().unwrap())
            .cargo(&["build"])
            .ok();
    };
    shell("one", "shell-1");
    assert_eq!(take_runs(&project), 1);
    shell("two", "shell-1");
    shell("three", "shell-2");
    assert_eq!(take_runs(&project), 0);
}

/// cargo adds its own directories, in which other crates are compiled meanwhile. `clang-sys` looks for libraries there.
#[requires(sccache)]
#[test]
fn directories_of_shared_libraries_count_unless_they_are_cargos() {
    let value = "{ let names = env::var(\"LD_LIBRARY_PATH\").unwrap(); let paths = env::split_paths(&names); \
        let files = paths.filter(|path| path.ends_with(\"libraries\")).flat_map(|path| fs::read_dir(path).unwrap()); \
        println!(\"cargo::rerun-if-changed=build.rs\"); files.count().to_string() }";
    let project = app(&saying(value));
    let project = project.package("other", "", &[("src/lib.rs", "")]);
    let project = project.committed();
    let libraries = project.sandbox.path("libraries");
    fs::create_dir(&libraries).unwrap();
    let build = |checkout: &Checkout<'_>| {
        let checkout = checkout.with("LD_LIBRARY_PATH", libraries.to_str().unwrap());
        checkout.cargo(&["build", "-p", "other"]).ok();
        checkout.cargo(&["build", "-p", "app"]).ok();
        checkout.says("app")
    };
    project.main().cargo(&["build", "-p", "app"]).ok();
    let main = project
        .main()
        .with("LD_LIBRARY_PATH", libraries.to_str().unwrap());
    main.clean();
    main.cargo(&["build", "-p", "app"]).ok();
    take_runs(&project);
    assert_eq!(build(&project.linked("second")), "0\n");
    assert_eq!(take_runs(&project), 0);
    fs::write(libraries.join("liblow.so"), "").unwrap();
    assert_eq!(build(&project.linked("third")), "1\n");
    assert_eq!(take_runs(&project), 1);
}

/// Many scripts ask for the wrapper, to run the compiler as cargo does.
#[rstest]
#[requires(sccache)]
#[case::asks_for_it("format!(\"{:?}\", env::var_os(\"RUSTC_WRAPPER\").is_some())")]
#[case::runs_it(
    "std::process::Command::new(env::var_os(\"RUSTC_WRAPPER\").unwrap()).arg(env::var_os(\"RUSTC\").unwrap()).arg(\"-vV\").output().unwrap().status.to_string()"
)]
fn another_version_of_the_wrapper_gets_the_runs_of_the_one_before(#[case] value: &str) {
    let project = app(&saying(value)).committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    let newer = project.sandbox.path("newer/sccache");
    fs::create_dir(newer.parent().unwrap()).unwrap();
    fs::copy(project.wrapper(), &newer).unwrap();
    let mut file = fs::File::options().append(true).open(&newer).unwrap();
    file.write_all(b"newer").unwrap();
    drop(file);
    let second = project.linked("second");
    let second = second.with("RUSTC_WRAPPER", newer.to_str().unwrap());
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
}

#[rstest]
#[requires(sccache)]
#[case::clock(
    "format!(\"{:?}\", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos())",
    "it may read the clock"
)]
#[case::date(
    "String::from_utf8(std::process::Command::new(\"date\").arg(\"+%s.%N\").output().unwrap().stdout).unwrap()",
    "it may read the clock"
)]
#[case::random_numbers(
    "{ use std::hash::{BuildHasher, Hasher}; std::collections::hash_map::RandomState::new().build_hasher().finish().to_string() }",
    "it may use random numbers"
)]
#[case::file_of_the_kernel(
    "fs::read_to_string(\"/proc/self/stat\").unwrap()",
    "it may depend on the user, the machine, its process, or a file in /dev, /proc, /run or /sys"
)]
#[case::file_in_its_package(
    "{ fs::write(\"made.txt\", \"x\").unwrap(); \"x\" }",
    "a file that it may read changed while it ran: /"
)]
#[case::file_beside_the_programs(
    "{ fs::write(format!(\"{out}/../../../made.txt\"), \"x\").unwrap(); \"x\" }",
    "a file in the target directory was written outside of its OUT_DIR while it ran: /"
)]
#[case::file_that_another_script_may_look_for(
    "{ let other = format!(\"{out}/../../other\"); fs::create_dir_all(&other).unwrap(); fs::write(format!(\"{other}/made.txt\"), \"x\").unwrap(); \"x\" }",
    "a file in the target directory was written outside of its OUT_DIR while it ran: /"
)]
fn a_script_with_other_inputs_or_outputs_runs_each_time(#[case] value: &str, #[case] why: &str) {
    let project = app(&saying(value)).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 2);
    let explained = said(&second, &["wrapper", "explain", "published"]);
    assert!(explained.contains(why), "{explained}");
}

#[cfg(target_env = "gnu")]
#[rstest]
#[requires(sccache)]
#[case::program("Command::new(\"true\").status().unwrap().success()", 1)]
#[case::in_a_shell(
    "Command::new(\"sh\").args([\"-c\", \"echo $(id)\"]).status().unwrap().success()",
    2
)]
fn a_text_counts_only_if_a_program_with_that_name_is_run(
    #[case] value: &str,
    #[case] expected: usize,
) {
    let value = format!(
        "{{ use std::process::Command; [\"id\", \"date\"].map(|name| format!(\"{{name}} {{}}\", {value})).join(\" \") }}"
    );
    let project = app(&saying(&value)).committed();
    project.main().cargo(&["build"]).ok();
    project.linked("second").cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), expected);
}

#[rstest]
#[requires(sccache)]
#[case::status(
    "eprintln!(\"no such thing\"); std::process::exit(3)",
    "exit status: 3"
)]
#[case::abort(
    "eprintln!(\"no such thing\"); std::process::abort()",
    "signal: 6, SIGABRT: process abort signal"
)]
#[case::fault(
    "eprintln!(\"no such thing\"); unsafe { (16 as *mut u8).write_volatile(0) }",
    "signal: 11, SIGSEGV: invalid memory reference"
)]
#[case::error("println!(\"cargo::error=no such thing\")", "no such thing")]
fn a_script_that_fails_runs_each_time(#[case] fails: &str, #[case] why: &str) {
    let project = app(&script(fails)).committed();
    for checkout in [project.main(), project.linked("second")] {
        let failed = checkout.cargo(&["build"]).fails();
        assert!(failed.ran.stderr.contains("no such thing"), "{failed:?}");
        assert!(failed.ran.stderr.contains(why), "{failed:?}");
    }
    assert_eq!(take_runs(&project), 2);
}

#[requires(sccache)]
#[test]
fn an_interrupted_script_leaves_nothing_behind() {
    let slow = "fs::write(format!(\"{out}/g.rs\"), \"half\").unwrap();\n\
        if env::var_os(\"SCCFG_WRAPPER_TEST_SLOW\").is_some() { loop { std::thread::sleep(std::time::Duration::from_secs(1)) } }\n\
        fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = \\\"said\\\";\").unwrap();";
    let project = app(&script(slow)).committed();
    let main = project.main();
    let mut cargo = main
        .with("SCCFG_WRAPPER_TEST_SLOW", "1")
        .started(&["build"]);
    wait_until("the script runs", || {
        fs::read_to_string(project.sandbox.path("tmp/runs")).unwrap() == "run\n"
    });
    // The kernel cuts names after 15 letters.
    let names = ["build-script-bu", "build-script-build", "sccache"];
    for pid in running(&project, &mut cargo, &names, 1) {
        kill(pid);
    }
    assert!(!cargo.wait().unwrap().success());
    for checkout in [main, project.linked("second")] {
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "said\n");
    }
}

/// cargo alone is killed, so that nobody reads what the script prints after that, and another cargo may run it as well.
#[rstest]
#[requires(sccache)]
fn a_script_that_outlives_cargo_leaves_nothing_behind(#[values(true, false)] prints: bool) {
    let waits = "println!(\"cargo::rerun-if-changed=build.rs\");\n\
        fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = match option_env!(\\\"VALUE\\\") { Some(value) => value, None => \\\"none\\\" };\").unwrap();\n\
        std::thread::sleep(std::time::Duration::from_secs(2));\n\
        println!(\"cargo::rustc-env=VALUE=said\");";
    let mut lines: Vec<&str> = waits.lines().collect();
    if !prints {
        // It has printed everything before.
        lines.swap(2, 3);
    }
    let project = app(&script(&lines.join("\n"))).committed();
    let main = project.main();
    let mut cargo = main.started(&["build"]);
    let names = ["build-script-bu", "build-script-build", "sccache"];
    wait_until("the script runs", || {
        fs::read_to_string(project.sandbox.path("tmp/runs")).unwrap() == "run\n"
    });
    let left = running(&project, &mut cargo, &names, 1);
    kill(cargo.id());
    cargo.wait().unwrap();
    wait_until("the script has ended", || {
        left.iter()
            .all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    });
    take_runs(&project);
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    for checkout in [main, second] {
        checkout.clean();
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "said\n");
    }
}

#[requires(sccache)]
#[test]
fn a_file_in_the_place_of_its_directory_is_not_stored() {
    let replaces = "fs::remove_dir(&out).unwrap();\nfs::write(&out, \"a file\").unwrap();";
    let project = with_runs(Project::new().with_store());
    let script = script(replaces);
    let files = [
        ("build.rs", script.as_str()),
        ("src/lib.rs", ""),
        ("data", "data"),
    ];
    let main = ("src/main.rs", "fn main() {}\n");
    let project = publish(project, "published", &files).package("app", USES, &[main]);
    let project = project.committed();
    for checkout in [project.main(), project.linked("second")] {
        checkout.cargo(&["build"]).ok();
        assert_eq!(fs::read_to_string(out_dir(&checkout)).unwrap(), "a file");
    }
}

#[requires(sccache)]
#[test]
fn links_modes_and_empty_directories_are_restored() {
    let writes = "fs::create_dir_all(format!(\"{out}/empty/dir\")).unwrap();\n\
        fs::write(format!(\"{out}/tool\"), \"#!/bin/sh\\n\").unwrap();\n\
        { use std::os::unix::fs::PermissionsExt as _; fs::set_permissions(format!(\"{out}/tool\"), fs::Permissions::from_mode(0o755)).unwrap(); }\n\
        std::os::unix::fs::symlink(\"tool\", format!(\"{out}/relative\")).unwrap();\n\
        std::os::unix::fs::symlink(env::current_dir().unwrap().join(\"data\"), format!(\"{out}/absolute\")).unwrap();\n\
        fs::write(format!(\"{out}/large\"), vec![b'x'; 300_000]).unwrap();\n\
        fs::write(format!(\"{out}/large.txt\"), format!(\"{out}\\n\").repeat(5_000)).unwrap();\n\
        for mode in [0o440, 0o600, 0o750] {\n\
            use std::os::unix::fs::PermissionsExt as _;\n\
            let file = format!(\"{out}/large-{mode:o}\");\n\
            fs::write(&file, vec![b'y'; 300_000]).unwrap();\n\
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();\n\
        }\n\
        fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = \\\"said\\\";\").unwrap();";
    let project = app(&script(writes)).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("a/longer/second");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    let restored = tree(&out_dir(&second));
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(restored, tree(&out_dir(&second)));
    let names: Vec<_> = restored.iter().map(|(name, _)| name.as_str()).collect();
    let wanted = [
        "absolute",
        "empty",
        "empty/dir",
        "g.rs",
        "large",
        "large-440",
        "large-600",
        "large-750",
        "large.txt",
        "relative",
        "tool",
    ];
    assert_eq!(names, wanted);
}

/// The names of one file stay those of one file, and modes of directories are as the script has set them.
#[rstest]
#[case::names_of_one_file(
    "fs::write(format!(\"{out}/one\"), \"x\").unwrap(); fs::hard_link(format!(\"{out}/one\"), format!(\"{out}/two\")).unwrap();"
)]
#[case::directory("fs::create_dir(format!(\"{out}/in\")).unwrap(); chmod(\"in\", 0o700);")]
#[case::read_only(
    "fs::create_dir(format!(\"{out}/in\")).unwrap(); fs::write(format!(\"{out}/in/file\"), \"x\").unwrap(); chmod(\"in\", 0o555);"
)]
#[case::its_own("chmod(\".\", 0o700);")]
#[case::of_a_group("chmod(\".\", 0o2755); fs::create_dir(format!(\"{out}/in\")).unwrap();")]
#[case::special("fs::write(format!(\"{out}/one\"), \"x\").unwrap(); chmod(\"one\", 0o4755);")]
#[case::special_of_a_directory(
    "fs::create_dir(format!(\"{out}/in\")).unwrap(); chmod(\"in\", 0o1777);"
)]
#[requires(sccache)]
fn the_directory_is_as_the_script_left_it(#[case] does: &str, #[values(false, true)] seeds: bool) {
    let chmod = "let chmod = |name: &str, mode: u32| { use std::os::unix::fs::PermissionsExt as _; \
        fs::set_permissions(format!(\"{out}/{name}\"), fs::Permissions::from_mode(mode)).unwrap() }; let _ = &chmod;\n";
    let says =
        "fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = \\\"said\\\";\").unwrap();";
    let project = app(&script(&format!("{chmod}{says}{does}"))).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let wanted = modes(&out_dir(&main));
    let second = project.linked("a/longer/second");
    if seeds {
        seed(&second);
    }
    second.cargo(&["build"]).ok();
    assert_eq!(modes(&out_dir(&second)), wanted);
}

/// What is in a directory, with modes and numbers of names, and the directory.
fn modes(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        let metadata = fs::symlink_metadata(&next).unwrap();
        let name = next.strip_prefix(directory).unwrap().display();
        let (mode, links) = (metadata.permissions().mode(), metadata.nlink());
        found.push(format!("{name} {mode:o} {links}"));
        if metadata.is_dir() {
            let entries = fs::read_dir(&next).unwrap();
            left.extend(entries.map(|entry| entry.unwrap().path()));
        }
    }
    found.sort();
    found
}

/// The `OUT_DIR` of the script that ran in a checkout.
pub(super) fn out_dir(checkout: &Checkout<'_>) -> PathBuf {
    let build = checkout.path("target/debug/build");
    let all = fs::read_dir(build).unwrap().map(|entry| entry.unwrap());
    all.map(|entry| entry.path().join("out"))
        .find(|out| out.exists())
        .unwrap()
}

/// The names of what is below a directory, and what it is.
fn tree(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let what = if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if metadata.is_dir() {
                left.push(path.clone());
                "directory".to_owned()
            } else {
                let content = String::from_utf8(fs::read(&path).unwrap()).unwrap();
                format!("{:o} {content}", metadata.permissions().mode())
            };
            let name = path.strip_prefix(directory).unwrap();
            found.push((name.to_str().unwrap().to_owned(), what));
        }
    }
    found.sort();
    found
}

#[requires(sccache)]
#[test]
fn a_script_sees_what_cargo_set() {
    let all = "{ let mut all: Vec<String> = env::vars().map(|(name, value)| format!(\"{name}={value}\")).collect(); all.sort(); format!(\"{:?} {:?} {}\", env::args().collect::<Vec<_>>(), env::current_dir(), all.join(\"\\n\")) }";
    let project = app(&saying(all)).committed();
    let main = project.main().with("PWD", "/nowhere");
    main.cargo(&["build"]).ok();
    // The wrapper itself is the one difference.
    let with = main
        .says("app")
        .replace("/wrapper/c/sccache", "/wrapper/sccache");
    main.clean();
    let uncached = main.with("SCCFG_WRAPPER", "off");
    uncached.cargo(&["build"]).ok();
    let without = uncached.says("app").replace("\nSCCFG_WRAPPER=off", "");
    let lines = |text: &str| {
        text.lines()
            .filter(|line| {
                !line.starts_with("CARGO_MAKEFLAGS")
                    && !line.starts_with("MAKEFLAGS")
                    && !line.starts_with("MFLAGS")
            })
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&with), lines(&without));
}

/// Its files are of this build directory, or those of the store, or of another worktree. It replaces those of the library, or
/// the script as well.
#[rstest]
#[requires(sccache)]
fn a_build_without_the_wrapper_runs_the_script(
    #[values("compiled", "restored", "seeded")] from: &str,
    #[values(
        "{ println!(\"cargo::rerun-if-env-changed=APP_VALUE\"); env::var(\"APP_VALUE\").unwrap_or_default() }",
        "option_env!(\"APP_VALUE\").unwrap_or_default()"
    )]
    value: &str,
) {
    let project = app(&saying(value)).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    let checkout = if from == "compiled" {
        main
    } else {
        project.linked("second")
    };
    if from == "seeded" {
        seed(&checkout);
    }
    checkout.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    let without = checkout.with("APP_VALUE", "without");
    without.uncached(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    assert_eq!(checkout.says("app"), "without\n");
    for (name, value) in [
        ("SCCFG_STORE", "off"),
        ("SCCFG_WRAPPER", "off"),
        ("SCCFG_WRAPPER", "0"),
        ("SCCFG_WRAPPER_SCRIPTS", "false"),
    ] {
        let said = format!("{name}={value}");
        let off = checkout.with("APP_VALUE", &said).with(name, value);
        off.cargo(&["build"]).ok();
        assert_eq!(take_runs(&project), 1, "{said}");
        assert_eq!(checkout.says("app"), format!("{said}\n"));
    }
}

pub(super) const READS_C: &str = "fs::write(format!(\"{out}/made.h\"), \"static int made(int n) { return n + 1; }\").unwrap();\n\
    let done = std::process::Command::new(\"cc\").args([\"-O2\", \"-g\", \"-c\", \"native.c\", \"-I\", &out, \"-o\"]).arg(format!(\"{out}/native.o\")).arg(format!(\"-DPLACE=\\\"{}\\\"\", if env::var_os(\"APP_PLACE\").is_some() { &out } else { \"nowhere\" })).status().unwrap();\n\
    assert!(done.success());\n\
    assert!(std::process::Command::new(\"ar\").arg(\"rcs\").arg(format!(\"{out}/libnative.a\")).arg(format!(\"{out}/native.o\")).status().unwrap().success());\n\
    println!(\"cargo::rustc-link-search=native={out}\\ncargo::rustc-link-lib=static=native\\ncargo::rerun-if-changed=build.rs\");\n\
    fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = \\\"\\\"; extern \\\"C\\\" { pub fn place() -> *const std::ffi::c_char; pub fn number() -> i32; }\").unwrap();";
pub(super) const NATIVE: &str = "#include <number.h>\n#include \"made.h\"\nconst char *place(void) { return PLACE; }\nint number(void) { return made(NUMBER - 1); }\n";
const SAYS_C: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\npub fn said() -> String { unsafe { format!(\"{}{SAID} {}\", std::ffi::CStr::from_ptr(place()).to_str().unwrap(), number()) } }\n";

/// A program above a published package with an object of C that contains its `OUT_DIR`, and a value of a header of
/// the system.
pub(super) fn with_c() -> Project {
    with_c_of("published")
}

/// The same with a package of this name.
pub(super) fn with_c_of(name: &str) -> Project {
    with_native(name, "static", NATIVE)
}

/// The same with a library linked as this kind, from this source.
pub(super) fn with_native(name: &str, kind: &str, source: &str) -> Project {
    let build = READS_C.replace("link-lib=static=", &format!("link-lib={kind}="));
    with_script_of_c(name, &build, source)
}

/// The same with another library next to it, which has no path in it.
pub(super) fn with_two_libraries(name: &str) -> Project {
    let lines = READS_C.replace("link-lib=static=", "link-lib=static:-bundle=");
    let more = "fs::write(format!(\"{out}/beside.c\"), \"int beside(void) { return 1; }\").unwrap();\n\
        assert!(std::process::Command::new(\"cc\").current_dir(&out).args([\"-c\", \"beside.c\"]).status().unwrap().success());\n\
        assert!(std::process::Command::new(\"ar\").current_dir(&out).args([\"rcs\", \"libbeside.a\", \"beside.o\"]).status().unwrap().success());\n\
        println!(\"cargo::rustc-link-lib=static:-bundle=beside\");";
    let source = "int beside(void);\nconst char *place(void) { return PLACE; }\nint number(void) { return beside(); }\n";
    with_script_of_c(name, &format!("{lines}{more}"), source)
}

/// The same with a build script of these lines.
pub(super) fn with_script_of_c(name: &str, lines: &str, source: &str) -> Project {
    let project = with_runs(Project::new().with_store());
    let build = script(lines);
    let files = [
        ("build.rs", build.as_str()),
        ("src/lib.rs", SAYS_C),
        ("native.c", source),
    ];
    let mut project = publish(project, name, &files);
    let include = project.sandbox.path("include");
    project
        .sandbox
        .write("include/number.h", "#define NUMBER 1\n");
    project.sandbox = project.sandbox.variable("CPATH", include.to_str().unwrap());
    let main = "fn main() { println!(\"{}\", published::said()); }\n";
    let uses =
        format!("[dependencies]\npublished = {{ package = \"{name}\", version = \"0.1.0\" }}\n");
    let project = project.package("app", &uses, &[("src/main.rs", main)]);
    project.committed()
}

/// Debug information may get a path of any length. Code may know the length of a text.
#[rstest]
#[requires(sccache)]
#[case::debug_information("APP_OTHER", "as/deep/and/as/long/as/can/be", 1)]
#[case::shorter_debug_information("APP_OTHER", "s", 1)]
#[case::text_of_the_same_length("APP_PLACE", "copy", 1)]
#[case::longer_text("APP_PLACE", "longer", 2)]
fn libraries_contain_the_paths_of_their_checkout(
    #[case] variable: &str,
    #[case] second: &str,
    #[case] runs: usize,
) {
    let project = with_c();
    project.main().with(variable, "1").cargo(&["build"]).ok();
    let second = project.linked(second).with(variable, "1");
    let built = second.cargo(&["build"]).ok();
    if variable == "APP_OTHER" {
        built.all_hit();
    }
    assert_eq!(take_runs(&project), runs);
    let main = project.main();
    let library = out_dir(&second).join("libnative.a");
    for file in [library, second.path("target/debug/app")] {
        assert!(!contains(&file, main.text()), "{}", file.display());
    }
    let said = says_the_same_uncached(&second);
    assert_eq!(
        said.starts_with(second.text()),
        variable == "APP_PLACE",
        "{said}"
    );
}

/// The launcher of C compilers, next to the wrapper.
fn launcher_of_c(project: &Project) -> PathBuf {
    project.wrapper().with_file_name("c").join("sccache")
}

/// As the `cc` crate does, the script runs C compilers by `RUSTC_WRAPPER`. While its run is recorded, that is the launcher, if
/// it is installed.
#[rstest]
#[requires(sccache)]
#[case::by_the_launcher(true)]
#[case::by_the_wrapper(false)]
fn c_compilers_write_placeholders(#[case] has_launcher: bool) {
    let by_wrapper = "Command::new(env::var_os(\"RUSTC_WRAPPER\").unwrap_or_else(|| \"nice\".into())).args([\"cc\", ";
    let lines = READS_C.replace("Command::new(\"cc\").args([", by_wrapper);
    let notes = "fs::write(format!(\"{out}/ran\"), env::var(\"RUSTC_WRAPPER\").unwrap_or_default()).unwrap();";
    let project = with_script_of_c("published", &format!("{lines}{notes}"), NATIVE);
    let launcher = launcher_of_c(&project);
    if !has_launcher {
        fs::remove_file(&launcher).unwrap();
    }
    let main = project.main();
    main.cargo(&["build"]).ok();
    let ran = fs::read_to_string(out_dir(&main).join("ran")).unwrap();
    let expected = if has_launcher {
        &launcher
    } else {
        project.wrapper()
    };
    assert_eq!(Path::new(&ran), expected);
    assert!(contains(
        &out_dir(&main).join("libnative.a"),
        "/sccfg-target/"
    ));
    let second = project.linked("as/deep/and/as/long/as/can/be");
    second.cargo(&["build"]).ok().all_hit();
    assert!(!contains(&second.path("target/debug/app"), main.text()));
    says_the_same_uncached(&second);
}

/// Other compilers do not know the options of gcc and clang.
#[rstest]
#[requires(sccache)]
#[case::by_the_launcher(true)]
#[case::by_the_wrapper(false)]
fn other_compilers_get_no_placeholders(#[case] has_launcher: bool) {
    let by_wrapper = "Command::new(env::var_os(\"RUSTC_WRAPPER\").unwrap()).args([\"nvcc\", ";
    let lines = READS_C.replace("Command::new(\"cc\").args([", by_wrapper);
    let project = with_script_of_c("published", &lines, NATIVE);
    if !has_launcher {
        fs::remove_file(launcher_of_c(&project)).unwrap();
    }
    let nvcc = project.sandbox.path("nvcc/nvcc");
    project.sandbox.write(
        "nvcc/nvcc",
        "#!/bin/sh\ncase \"$*\" in *-prefix-map*) exit 1;; esac\nexec cc \"$@\"\n",
    );
    fs::set_permissions(&nvcc, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", nvcc.parent().unwrap().display());
    let main = project.main();
    main.with("PATH", &path).cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "nowhere 1\n");
}

/// What the launcher finds in no recorded run, or is no compile, is the wrapper's.
#[requires(sccache)]
#[test]
fn the_launcher_of_c_compilers_runs_the_wrapper() {
    let project = with_c();
    let launcher = launcher_of_c(&project);
    let says = |words: &[&str]| {
        let mut command = project.command(&launcher);
        command
            .args(words)
            .env("RUSTC_WRAPPER", &launcher)
            .env("OUT_DIR", project.sandbox.path("none/out"));
        String::from_utf8(succeeds(&mut command).stdout).unwrap()
    };
    assert!(says(&["rustc", "-vV"]).starts_with("rustc "));
    assert!(says(&["--version"]).starts_with("sccache "));
    let wrapper = project.wrapper().to_str().unwrap();
    let print = ["sh", "-c", "echo $RUSTC_WRAPPER"];
    assert_eq!(says(&print).trim(), wrapper);
}

/// The texts of `openssl-sys` were reviewed: no code depends on their length.
#[rstest]
#[requires(sccache)]
#[case::longer("as/deep/and/as/long/as/can/be")]
#[case::shorter("s")]
#[case::of_the_same_length("copy")]
fn programs_above_a_library_with_texts_are_shared(#[case] second: &str) {
    let project = with_c_of("openssl-sys");
    project.main().with("APP_PLACE", "1").cargo(&["build"]).ok();
    says_the_same_uncached(&project.main().with("APP_PLACE", "1"));
    let second = project.linked(second).with("APP_PLACE", "1");
    second.cargo(&["build"]).ok().all_hit();
    second.cargo(&["build"]).ok().nothing_to_do();
    for file in [
        out_dir(&second).join("libnative.a"),
        second.path("target/debug/app"),
    ] {
        assert!(
            !contains(&file, project.main().text()),
            "{}",
            file.display()
        );
    }
    assert!(says_the_same_uncached(&second).starts_with(second.text()));
}

/// A compile that reads another library than the one of the run.
#[requires(sccache)]
#[test]
fn a_library_that_was_changed_counts() {
    let project = with_c();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    let library = out_dir(&second).join("libnative.a");
    let object = library.with_file_name("native.o");
    second.write(
        "other.c",
        "const char *place(void) { return \"elsewhere\"; }\nint number(void) { return 3; }\n",
    );
    let compile = std::process::Command::new("cc")
        .args(["-c", "-o"])
        .arg(&object)
        .arg(second.path("other.c"))
        .status();
    assert!(compile.unwrap().success());
    let archive = std::process::Command::new("ar")
        .arg("rcs")
        .args([&library, &object])
        .status();
    assert!(archive.unwrap().success());
    second.remove("target/debug/app");
    for name in second.left_in_deps("debug") {
        fs::remove_file(second.path("target/debug/deps").join(name)).unwrap();
    }
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "elsewhere 3\n");
}

pub(super) fn contains(file: &Path, text: &str) -> bool {
    memchr::memmem::find(&fs::read(file).unwrap(), text.as_bytes()).is_some()
}

#[requires(sccache)]
#[test]
fn a_header_of_the_system_that_changed_runs_the_script() {
    let project = with_c();
    project.main().cargo(&["build"]).ok();
    project
        .sandbox
        .write("include/number.h", "#define NUMBER 22\n");
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&second).ends_with(" 22\n"));
}

/// `config.status`, which `configure` writes, has awk programs that separate fields by a control character.
#[requires(sccache)]
#[test]
fn what_configure_writes_has_the_paths_of_its_checkout() {
    let lines = "fs::write(format!(\"{out}/config.status\"), format!(\"ac_pwd='{out}'\\n  FS = \\\"\\u{7}\\\"\\n\")).unwrap();\n\
        fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = include_str!(concat!(env!(\\\"OUT_DIR\\\"), \\\"/config.status\\\"));\").unwrap();";
    let project = app(&script(lines)).committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    for place in ["seeded", "a/b/deeper"] {
        let linked = project.linked(place);
        if place == "seeded" {
            seed(&linked).stdout_has("seeded");
        }
        linked.cargo(&["build"]).ok();
        assert_eq!(take_runs(&project), 0, "{place}");
        let said = says_the_same_uncached(&linked);
        assert!(
            said.contains(linked.text()) && said.contains("\"\u{7}\""),
            "{said}"
        );
        take_runs(&project);
    }
}

/// cmake and libtool link programs that a build runs, and shared libraries beside the static ones.
#[rstest]
#[requires(sccache, gdb)]
fn what_a_script_links_has_the_paths_of_its_checkout(
    #[values("-gdwarf-4", "-gdwarf-5")] flag: &str,
    #[values(false, true)] is_seeded: bool,
) {
    let lines = "let run = |args: &[&str]| assert!(std::process::Command::new(\"cc\").args(args).current_dir(&out).status().unwrap().success());
        fs::write(format!(\"{out}/value.c\"), \"int value(int x) { return x * 2; }\\n\").unwrap();
        fs::write(format!(\"{out}/main.c\"), \"#include <stdio.h>\\nint value(int); int main(void) { printf(\\\"%d\\\\n\\\", value(21)); return 0; }\\n\").unwrap();
        run(&[\"FLAG\", \"-shared\", \"-fPIC\", \"value.c\", \"-o\", \"libvalue.so\"]);
        run(&[\"FLAG\", \"main.c\", \"value.c\", \"-o\", \"program\"]);
        let printed = std::process::Command::new(format!(\"{out}/program\")).output().unwrap().stdout;
        fs::write(format!(\"{out}/g.rs\"), format!(\"pub const SAID: &str = {:?};\", String::from_utf8(printed).unwrap().trim())).unwrap();";
    let project = app(&script(&lines.replace("FLAG", flag))).committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    let linked = project.linked("a/b/deeper");
    if is_seeded {
        seed(&linked).stdout_has("seeded");
    }
    linked.cargo(&["build"]).ok().compiled(&[]);
    assert_eq!(take_runs(&project), 0);
    assert_eq!(linked.says("app"), "42\n");
    let out = out_dir(&linked);
    let output = |program: &str, args: &[&str]| {
        let mut command = linked.command(program);
        let output = command.args(args).current_dir(&out).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(output("./program", &[]), "42\n");
    for file in ["program", "libvalue.so"] {
        let source = output(
            "gdb",
            &[
                "-nx",
                "-batch",
                "-ex",
                "list value",
                "-ex",
                "info source",
                file,
            ],
        );
        let wanted = format!("Compilation directory is {}", out.display());
        assert!(source.contains(&wanted), "{file}: {source}");
        assert!(source.contains("return x * 2"), "{file}: {source}");
    }
}

#[rstest]
#[requires(sccache)]
fn a_program_finds_the_shared_library_of_its_checkout(#[values(false, true)] is_seeded: bool) {
    let lines = "fs::write(format!(\"{out}/value.c\"), \"int value(int x) { return x * 2; }\\n\").unwrap();
        assert!(std::process::Command::new(\"cc\").args([\"-g\", \"-shared\", \"-fPIC\", \"value.c\", \"-o\", \"libvalue.so\"]).current_dir(&out).status().unwrap().success());
        println!(\"cargo::rustc-link-search=native={out}\\ncargo::rustc-link-lib=dylib=value\");
        fs::write(format!(\"{out}/g.rs\"), \"unsafe extern \\\"C\\\" { fn value(x: i32) -> i32; }\\npub fn twice(x: i32) -> i32 { unsafe { value(x) } }\\n\").unwrap();";
    let project = with_runs(Project::new().with_store());
    let files = [("build.rs", &*script(lines)), ("src/lib.rs", LIB)];
    let project = publish(project, "published", &files);
    let main = "fn main() { println!(\"{}\", published::twice(21)); }\n";
    let project = project
        .package("app", USES, &[("src/main.rs", main)])
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("a/b/deeper");
    if is_seeded {
        seed(&linked).stdout_has("seeded");
    }
    linked.cargo(&["build"]).ok().compiled(&[]);
    fs::remove_file(out_dir(&project.main()).join("libvalue.so")).unwrap();
    assert_eq!(linked.cargo(&["run", "-q"]).ok().ran.stdout, "42\n");
    assert_eq!(take_runs(&project), 1);
}

/// cargo names its jobserver by the numbers of two descriptors, which depend on those that are open when it starts.
#[requires(sccache)]
#[test]
fn the_descriptors_of_the_jobserver_are_no_input() {
    let lines = "let flags = env::var(\"CARGO_MAKEFLAGS\").unwrap();\n\
        fs::write(format!(\"{out}/Makefile\"), \"all:\\n\\t@echo pub const SAID: \\\\&str = \\\\\\\"made\\\\\\\"\\\\; > g.rs\\n\").unwrap();\n\
        let made = std::process::Command::new(\"make\").args([\"-C\", &out]).env(\"MAKEFLAGS\", flags).status();\n\
        assert!(made.unwrap().success());";
    let project = app(&script(lines)).committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    let linked = project.linked("second");
    let mut command = linked.command("bash");
    command.args([
        "-c",
        "exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 8<&3 9<&3; exec cargo build --offline",
    ]);
    assert!(command.status().unwrap().success());
    assert_eq!(take_runs(&project), 0);
    assert_eq!(linked.says("app"), "made\n");
}

/// The `configure` of libffi moves its files to a directory below, and goes on there.
#[requires(sccache)]
#[test]
fn a_file_that_is_moved_from_the_directory_above_is_not_lost() {
    let lines = "fs::write(format!(\"{out}/made\"), \"text\").unwrap(); fs::create_dir_all(format!(\"{out}/below\")).unwrap();\n\
        let moved = std::process::Command::new(\"mv\").args([\"../made\", \".\"]).current_dir(format!(\"{out}/below\")).status();\n\
        assert!(moved.unwrap().success());\n\
        fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = \\\"said\\\";\").unwrap();";
    let project = app(&script(lines)).committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    linked.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    let out = out_dir(&linked);
    assert!(out.join("below/made").exists() && !out.join("made").exists());
}

#[requires(sccache)]
#[test]
fn what_may_hide_a_path_is_kept_for_checkouts_at_the_same_path() {
    // A compressed file, and small files before and after it.
    let value = "{ fs::write(format!(\"{out}/a\"), \"1\").unwrap(); fs::write(format!(\"{out}/b.zip\"), b\"PK\\x03\\x04\").unwrap(); \"said\" }";
    let project = app(&saying(value)).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let why = said(&main, &["report"]);
    assert!(
        why.contains("compressed data that may contain it: b.zip"),
        "{why}"
    );
    project.linked("second").cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 2);
    main.clean();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    assert_eq!(main.says("app"), "said\n");
}

/// rdkafka-sys copies its sources, with archives, to `OUT_DIR`.
#[requires(sccache)]
#[test]
fn a_copy_of_a_compressed_file_of_the_package_hides_no_path() {
    let lines = "fs::create_dir_all(format!(\"{out}/copied\")).unwrap(); fs::copy(\"data.zip\", format!(\"{out}/copied/data.zip\")).unwrap();\n\
        fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = \\\"said\\\";\").unwrap();";
    let project = with_runs(Project::new().with_store());
    let files = [
        ("build.rs", &*script(lines)),
        ("src/lib.rs", LIB),
        ("data.zip", "PK\u{3}\u{4} and more"),
    ];
    let project = publish(project, "published", &files);
    let project = project.package("app", USES, &[("src/main.rs", MAIN)]);
    let project = project.committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("a/b/deeper");
    linked.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    assert!(out_dir(&linked).join("copied/data.zip").exists());
}

/// shaderc-sys builds with ninja, which leaves a binary file with paths of the checkout.
#[rstest]
#[requires(sccache)]
fn what_was_built_with_ninja_is_shared_without_its_log(#[values(true, false)] is_seeded: bool) {
    let value = "{ let log = [&b\"# ninjadeps\\n\\x04\\0\\0\\0\"[..], out.as_bytes(), b\"\\0\\0\"].concat(); \
        fs::write(format!(\"{out}/.ninja_deps\"), &log).unwrap(); fs::write(format!(\"{out}/built\"), b\"\\0\").unwrap(); \"said\" }";
    let project = app(&saying(value)).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    assert!(out_dir(&main).join(".ninja_deps").exists());
    let linked = project.linked("a/b/deeper");
    if is_seeded {
        seed(&linked);
        linked.cargo(&["build"]).ok().nothing_to_do();
    } else {
        linked.cargo(&["build"]).ok();
    }
    assert_eq!(take_runs(&project), 0);
    let out = out_dir(&linked);
    assert!(out.join("built").exists() && !out.join(".ninja_deps").exists());
    assert_eq!(says_the_same_uncached(&linked), "said\n");
}

#[requires(sccache)]
#[test]
fn two_builds_at_once_run_a_script_once() {
    let slow = "std::thread::sleep(std::time::Duration::from_secs(2));\nfs::write(format!(\"{out}/g.rs\"), format!(\"pub const SAID: &str = {:?};\", out)).unwrap();";
    let project = app(&script(slow)).committed();
    let (main, second) = (project.main(), project.linked("second"));
    let builds = [main.started(&["build"]), second.started(&["build"])];
    for build in builds {
        assert!(build.wait_with_output().unwrap().status.success());
    }
    assert_eq!(take_runs(&project), 1);
    for checkout in [main, second] {
        assert!(checkout.says("app").starts_with(checkout.text()));
    }
}

#[requires(sccache)]
#[test]
fn another_workspace_hits() {
    let project = app(&saying("env::var(\"CARGO_PKG_NAME\").unwrap()")).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("crates/app/src/main.rs", &MAIN.replace("{}", "! {}"));
    second.write("crates/other/Cargo.toml", &package("other", USES));
    second.write("crates/other/src/lib.rs", "");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    assert_eq!(says_the_same_uncached(&second), "! published\n");
}

#[requires(sccache)]
#[test]
fn lookups_of_runs_are_counted() {
    let project = app(&saying(OF_PLACE)).committed();
    project.main().cargo(&["build"]).ok();
    project.linked("second").cargo(&["build"]).ok();
    let status = project
        .sandbox
        .sccfg(&["store", "status", "--json"])
        .status(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    // The script was compiled and run once. What contains its path was compiled twice.
    let counted = (&status["hits"], &status["misses"]);
    assert_eq!(counted, (&2.into(), &6.into()), "{status}");
    let counted = project.sandbox.sccfg(&["stats"]).status(0);
    assert!(counted.stdout.contains("build scripts"), "{counted:?}");
}

/// Directories get the group of the one above, if that says so, from the system.
#[rstest]
#[requires(sccache)]
fn what_directories_inherit_is_of_this_worktree(#[values(false, true)] seeds: bool) {
    let writes = "fs::create_dir(format!(\"{out}/in\")).unwrap();\n\
        fs::write(format!(\"{out}/g.rs\"), \"pub const SAID: &str = \\\"said\\\";\").unwrap();";
    let project = app(&script(writes)).committed();
    let main = project.main();
    fs::create_dir(main.path("target")).unwrap();
    fs::set_permissions(main.path("target"), fs::Permissions::from_mode(0o2755)).unwrap();
    main.cargo(&["build"]).ok();
    assert!(modes(&out_dir(&main)).contains(&"in 42755 2".to_owned()));
    let second = project.linked("second");
    if seeds {
        seed(&second);
    }
    second.cargo(&["build"]).ok();
    assert!(modes(&out_dir(&second)).contains(&"in 40755 2".to_owned()));
}
