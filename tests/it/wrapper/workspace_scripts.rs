//! Runs of build scripts in the workspace: they are found again if everything is the same that they were seen to read, and
//! run each time if that cannot be known.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rstest::rstest;

use super::build_scripts::{saying, take_runs, with_runs};
use super::command::said;
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Layout, Project, succeeds};
use super::seed::{sccfg, seed};

const MAIN: &str =
    "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{}\", SAID); }\n";
/// What a program prints that runs these words.
const PRINTED: &str = "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"WORDS\"]).output().unwrap().stdout).unwrap()";
/// A script prints this so that cargo does not run it whenever something in its package has changed.
pub(super) const DECLARES: &str = "println!(\"cargo::rerun-if-changed=build.rs\");";

/// A program that says what its build script found out by `value`.
pub(super) fn app(value: &str) -> Project {
    let script = saying(&format!("{{ {DECLARES} {value} }}"));
    let files = [
        ("build.rs", script.as_str()),
        ("src/main.rs", MAIN),
        ("data.txt", "data\n"),
        ("some/one.txt", "one\n"),
    ];
    with_runs(Project::new().with_store())
        .package("app", "", &files)
        .file("shared.txt", "shared\n")
        .committed()
}

pub(super) fn shell(words: &str) -> String {
    PRINTED.replace("WORDS", words)
}

/// Builds in a new worktree, whose script runs if `runs`, and compares with a build without a cache.
#[track_caller]
pub(super) fn builds(project: &Project, linked: &Checkout<'_>, runs: bool) -> String {
    take_runs(project);
    linked.cargo(&["build"]).ok();
    assert_eq!(take_runs(project), usize::from(runs));
    says_the_same_uncached(linked)
}

#[rstest]
#[case::its_own("fs::read_to_string(\"data.txt\").unwrap()", "crates/app/data.txt")]
#[case::above("fs::read_to_string(\"../../shared.txt\").unwrap()", "shared.txt")]
#[case::behind_a_directory_that_is_not_there(
    "std::path::Path::new(\"none/below/file\").exists().to_string()",
    "crates/app/none/below/file"
)]
#[case::anything_below(
    "{ fn all(of: &std::path::Path) -> usize { fs::read_dir(of).unwrap().map(|entry| { let path = entry.unwrap().path(); \
    if path.is_dir() { all(&path) } else { 1 } }).sum() } all(std::path::Path::new(\"some\")).to_string() }",
    "crates/app/some/new/file"
)]
#[case::its_size(
    "fs::metadata(\"data.txt\").unwrap().len().to_string()",
    "crates/app/data.txt"
)]
#[case::missing(
    "fs::read_to_string(\"../../none.txt\").unwrap_or_default()",
    "none.txt"
)]
#[case::looked_for(
    "std::path::Path::new(\"none\").exists().to_string()",
    "crates/app/none"
)]
#[case::listed(
    "fs::read_dir(\"some\").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).max().unwrap()",
    "crates/app/some/two.txt"
)]
#[case::ignored_by_git(
    "fs::read_to_string(\"local.txt\").unwrap_or_default()",
    "crates/app/local.txt"
)]
#[requires(sccache)]
fn what_it_reads_counts(#[case] value: &str, #[case] file: &str) {
    let project = app(value);
    project
        .sandbox
        .write("main/.gitignore", "/target\nlocal.txt\n");
    project.commit(&project.sandbox.path("main"));
    project.main().cargo(&["build"]).ok();
    builds(&project, &project.linked("a/b/same"), false);
    let changed = project.linked("changed");
    changed.write(file, "of this checkout\n");
    builds(&project, &changed, true);
    builds(&project, &project.linked("another"), false);
}

#[rstest]
#[requires(sccache)]
fn a_second_worktree_runs_no_script(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let value = "format!(\"{} {out}\", fs::read_to_string(\"data.txt\").unwrap().trim())";
    let project = app(value).with_layout(layout);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("a/b/second");
    take_runs(&project);
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    second.cargo(&["build"]).ok().nothing_to_do();
    let said = says_the_same_uncached(&second);
    assert!(said.contains(second.text()), "{said}");
}

#[rstest]
#[case::mode(
    "{ use std::os::unix::fs::MetadataExt as _; fs::metadata(\"data.txt\").unwrap().mode().to_string() }"
)]
#[case::link(
    "fs::read_link(\"link.txt\").map(|link| link.display().to_string()).unwrap_or_default()"
)]
#[requires(sccache)]
fn what_a_file_is_counts(#[case] value: &str) {
    let project = app(value);
    symlink("data.txt", project.sandbox.path("main/crates/app/link.txt")).unwrap();
    project.commit(&project.sandbox.path("main"));
    project.main().cargo(&["build"]).ok();
    builds(&project, &project.linked("same"), false);
    let changed = project.linked("changed");
    let data = changed.path("crates/app/data.txt");
    fs::copy(&data, changed.path("crates/app/copy.txt")).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let link = changed.path("crates/app/link.txt");
    fs::remove_file(&link).unwrap();
    symlink("copy.txt", &link).unwrap();
    builds(&project, &changed, true);
}

#[rstest]
#[case::named("env::var(\"FLAVOUR\").unwrap_or_default()", false)]
#[case::put_together("env::var(format!(\"FLAV{}\", \"OUR\")).unwrap_or_default()", false)]
// Some have the place of the checkout.
#[case::listed(
    "env::vars().filter(|(name, _)| name.starts_with(\"FLAV\")).count().to_string()",
    true
)]
#[requires(sccache)]
fn a_variable_counts(#[case] value: &str, #[case] is_of_place: bool) {
    let project = app(value);
    let with = |checkout: &Checkout<'_>, flavour, runs| {
        builds(&project, &checkout.with("FLAVOUR", flavour), runs);
        checkout.clean();
    };
    let main = project.main();
    with(&main, "one", true);
    with(&main, "one", false);
    with(&main, "two", true);
    with(&project.linked("same"), "one", is_of_place);
    with(&project.linked("other"), "three", true);
}

/// A script that asks for its place may pass on something of it in which no path can be replaced.
#[rstest]
#[case::length("env::current_dir().unwrap().as_os_str().len().to_string()")]
#[case::of_its_package("env::var(\"CARGO_MANIFEST_DIR\").unwrap().len().to_string()")]
#[case::in_its_code("env!(\"CARGO_MANIFEST_DIR\").len().to_string()")]
#[case::of_a_file("fs::canonicalize(\"data.txt\").unwrap().as_os_str().len().to_string()")]
#[requires(sccache)]
fn its_path_counts_if_it_asks_for_it(#[case] value: &str) {
    let project = app(value);
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.clean();
    builds(&project, &main, false);
    builds(&project, &project.linked("another/second"), true);
}

#[rstest]
#[case::commit(&shell("git rev-parse HEAD"), "it may read the state of the git repository")]
#[case::file_of_git(
    "fs::read_to_string(format!(\"../../.g{}\", \"it\")).unwrap_or_default()",
    ""
)]
#[case::git_by_another_name(&shell("g=gi; ${g}t rev-parse HEAD"), "it runs a program whose result may depend on more than the files that it reads")]
#[case::a_shell(&shell("cat data.txt some/*"), "it runs a program whose result may depend on more than the files that it reads: sh")]
#[case::a_script_of_the_repository(&shell("sh ../../shared.txt; cat data.txt"), "it runs a program whose result may depend on more than the files that it reads")]
#[case::a_variable_of_a_shell(&shell("echo $PWD; cat data.txt"), "it runs a program whose result may depend on more than the files that it reads")]
#[case::clock(
    "std::time::SystemTime::now().elapsed().is_ok().to_string()",
    "it may read the clock"
)]
#[case::time_of_a_file(
    "std::os::linux::fs::MetadataExt::st_mtime(&fs::metadata(\"data.txt\").unwrap()).to_string()",
    "it may read times, inode numbers or link counts of files"
)]
#[case::number_of_a_file(
    "std::os::unix::fs::MetadataExt::ino(&fs::metadata(\"data.txt\").unwrap()).to_string()",
    "it may read times, inode numbers or link counts of files"
)]
#[case::writes_a_source(
    "{ fs::write(\"src/made.rs\", \"// made\").unwrap(); String::new() }",
    "it wrote a file of the checkout outside of its OUT_DIR: crates/app/src/made.rs"
)]
#[case::writes_beside_its_package(
    "{ fs::write(\"../../made.txt\", \"made\").unwrap(); String::new() }",
    "it wrote a file of the checkout"
)]
#[case::writes_by_a_program(&shell("echo made > ../../made.txt"), "it runs a program whose result may depend on more than the files that it reads")]
#[case::removes_a_file(
    "{ let _ = fs::remove_file(\"some/one.txt\"); String::new() }",
    "it wrote a file of the checkout"
)]
#[case::takes_a_file_away(
    "{ let _ = fs::rename(\"some/one.txt\", format!(\"{out}/one.txt\")); String::new() }",
    "it wrote a file of the checkout"
)]
#[case::makes_a_directory(
    "{ let _ = fs::create_dir(\"made\"); String::new() }",
    "it wrote a file of the checkout"
)]
#[case::random_numbers(
    "std::io::Read::read(&mut fs::File::open(format!(\"/{}/urandom\", \"dev\")).unwrap(), &mut [0; 4]).unwrap().to_string()",
    "it may depend on the user, the machine, its process, or a file in /dev, /proc, /run or /sys: /dev/urandom"
)]
#[case::is_not_seen(
    "String::from_utf8(std::process::Command::new(\"/bin/cat\").arg(\"data.txt\").env_clear().output().unwrap().stdout).unwrap()",
    "it, or a program that it ran, could not be observed"
)]
#[case::may_print_all_variables(
    "format!(\"{} {:?}\", \"set\", std::process::Command::new(\"/bin/cat\").arg(\"data.txt\").output().unwrap().stdout)",
    "its source contains `env`, `printenv`, `export` or `set` as a string"
)]
#[requires(sccache)]
fn scripts_with_unknown_inputs_run_each_time(#[case] value: &str, #[case] why: &str) {
    let project = app(value);
    let main = project.main();
    main.cargo(&["build"]).ok();
    let explained = said(&main, &["wrapper", "explain", "app"]);
    assert!(explained.contains(why), "{explained}");
    let second = project.linked("second");
    second.write("crates/app/data.txt", "of the second\n");
    project.commit(&second.path(""));
    builds(&project, &second, true);
    let third = project.linked("third");
    seed(&third);
    third.cargo(&["build"]).ok();
    says_the_same_uncached(&third);
}

/// Programs of LLVM read random numbers for the names of their temporary files.
#[requires(sccache)]
#[test]
fn a_tool_may_read_random_numbers() {
    let value = "String::from_utf8(std::process::Command::new(\"llvm-nm\").output().unwrap().stdout).unwrap()";
    let project = app(value);
    let source = "#include <fcntl.h>\n#include <stdio.h>\n#include <unistd.h>\nint main(void) { int n; read(open(\"/dev/urandom\", O_RDONLY), &n, sizeof n); puts(\"of nm\"); }\n";
    project.sandbox.write("tools/nm.c", source);
    let mut make = std::process::Command::new("cc");
    make.current_dir(project.sandbox.path("tools"));
    succeeds(make.args(["nm.c", "-o", "llvm-nm"]));
    let tools = project.sandbox.path("tools");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", tools.display());
    let main = project.main().with("PATH", &path);
    main.cargo(&["build"]).ok();
    assert!(main.says("app").contains("of nm"));
    builds(
        &project,
        &project.linked("second").with("PATH", &path),
        false,
    );
}

/// A checkout may be in the directory for temporary files, and is not temporary.
#[requires(sccache)]
#[test]
fn files_that_it_writes_are_noticed_wherever_the_checkout_is() {
    let value = "{ fs::write(\"src/made.rs\", \"// made\").unwrap(); String::new() }";
    let project = app(value);
    let temporary = project.sandbox.path("main").parent().unwrap().to_owned();
    let temporary = temporary.to_str().unwrap();
    let main = project.main().with("TMPDIR", temporary);
    main.cargo(&["build"]).ok();
    let second = project.linked("second").with("TMPDIR", temporary);
    builds(&project, &second, true);
}

fn in_shell<'p>(checkout: &Checkout<'p>) -> Checkout<'p> {
    let directory = checkout.text().to_owned();
    checkout.with("PWD", &directory)
}

/// The current directory of the shell is looked at by many programs.
#[requires(sccache)]
#[test]
fn the_directory_in_which_cargo_runs_counts_if_it_is_listed() {
    let names = "fs::read_dir(\"../..\").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap())";
    let project = app(&format!(
        "{names}.filter(|name| name.starts_with('z')).count().to_string()"
    ));
    in_shell(&project.main()).cargo(&["build"]).ok();
    builds(&project, &in_shell(&project.linked("same")), false);
    let other = project.linked("other");
    other.write("zzz", "");
    builds(&project, &in_shell(&other), true);
}

/// A script that has the wrapper compile `data.c` with these words after the compiler, and says what is in the object.
fn compiling(words: &str) -> Project {
    let value = "{ let wrapper = env::var(\"RUSTC_WRAPPER\").unwrap_or(\"nice\".to_owned()); let object = format!(\"{out}/data.o\"); \
        std::process::Command::new(wrapper).args([\"cc\", WORDS]).args([\"-c\", \"data.c\", \"-o\", &object]).output().unwrap(); \
        let bytes = fs::read(object).unwrap_or_default(); let text = String::from_utf8_lossy(&bytes); \
        text.split('<').nth(1).and_then(|text| text.split('>').next()).unwrap_or_default().to_owned() }";
    let project = app(&value.replace("WORDS", words));
    let write = |file: &str, text| {
        let file = format!("main/crates/app/{file}");
        project.sandbox.write(&file, text);
    };
    write(
        "data.c",
        "#include \"data.h\"\nconst char data[] = \"<\" WORD \">\";\n",
    );
    write("data.h", "#define WORD \"one\"\n");
    project.commit(&project.sandbox.path("main"));
    project
}

#[rstest]
#[case::without_paths("\"-O1\"")]
#[case::with_debug_information("\"-g\"")]
#[case::of_a_directory("\"-I\", &out")]
#[requires(sccache)]
fn what_it_compiles_through_the_wrapper_counts(#[case] words: &str) {
    let project = compiling(words);
    project.main().cargo(&["build"]).ok();
    assert_eq!(
        builds(&project, &project.linked("a/b/same"), false),
        "one\n"
    );
    let changed = project.linked("changed");
    changed.write("crates/app/data.h", "#define WORD \"two\"\n");
    assert_eq!(builds(&project, &changed, true), "two\n");
    let seeded = project.linked("seeded");
    seed(&seeded);
    seeded.uncached(&["build"]).ok().nothing_to_do();
}

/// As thiserror does in its repository.
#[requires(sccache)]
#[test]
fn probes_with_rustc_count() {
    let value = "{ let mut words = env::var_os(\"RUSTC_WRAPPER\").into_iter().chain(env::var_os(\"RUSTC\")); \
        let tried = std::process::Command::new(words.next().unwrap()).args(words).args([\"--crate-name=tried\", \"--crate-type=lib\", \
        \"--emit=dep-info,metadata\", \"--out-dir\", &out, \"tried.rs\"]).output().unwrap(); \
        for file in fs::read_dir(&out).unwrap() { fs::remove_file(file.unwrap().path()).unwrap(); } \
        tried.status.success().to_string() }";
    let project = app(value);
    let main = project.main();
    main.write("crates/app/tried.rs", "pub mod part;\n");
    main.write("crates/app/part.rs", "pub fn part() {}\n");
    project.commit(&main.path(""));
    main.without("RUSTC").cargo(&["build"]).ok();
    let same = project.linked("a/b/same").without("RUSTC");
    assert_eq!(builds(&project, &same, false), "true\n");
    let changed = project.linked("changed").without("RUSTC");
    changed.write("crates/app/part.rs", "pub fn part() { no }\n");
    assert_eq!(builds(&project, &changed, true), "false\n");
}

/// bindgen asks which version rustc has.
#[requires(sccache)]
#[test]
fn rustc_may_be_asked_through_the_wrapper() {
    let value = "{ let wrapper = env::var(\"RUSTC_WRAPPER\").unwrap_or(\"nice\".to_owned()); \
        let said = std::process::Command::new(wrapper).args([\"rustc\", \"--version\"]).output().unwrap(); \
        String::from_utf8(said.stdout).unwrap() }";
    let project = app(value);
    project.main().cargo(&["build"]).ok();
    assert!(builds(&project, &project.linked("second"), false).starts_with("rustc "));
}

/// A script may ask whether a compiler knows an option.
#[requires(sccache)]
#[test]
fn a_compile_through_the_wrapper_may_fail() {
    let project = compiling("\"-mno-such-option\"");
    project.main().cargo(&["build"]).ok();
    builds(&project, &project.linked("second"), false);
}

#[rstest]
#[case::with_an_option_that_is_not_known("\"-flto\"")]
#[case::of_rust("\"-O1\"")]
#[requires(sccache)]
fn what_is_compiled_unseen_runs_each_time(#[case] words: &str) {
    let project = compiling(words);
    let main = project.main();
    if words.contains("-O1") {
        let more = "std::process::Command::new(&wrapper).args([\"rustc\", \"--crate-name\", \"probe\", \"--crate-type\", \"lib\", \"--emit=metadata\", \"-Cmetadata=of-cargo\", \"--out-dir\", &out, \"probe.rs\"]).output().unwrap(); std::process::Command::new(wrapper)";
        main.edit(
            "crates/app/build.rs",
            "std::process::Command::new(wrapper)",
            more,
        );
        project.commit(&main.path(""));
    }
    main.cargo(&["build"]).ok();
    let changed = project.linked("changed");
    changed.write("crates/app/data.h", "#define WORD \"two\"\n");
    assert_eq!(builds(&project, &changed, true), "two\n");
    let explained = said(&main, &["wrapper", "explain", "app"]);
    assert!(
        explained.contains("it runs a compiler through the wrapper"),
        "{explained}"
    );
}

pub(super) fn runs(program: &str, argument: &str) -> String {
    format!(
        "String::from_utf8(std::process::Command::new({program:?}).arg({argument:?}).output().unwrap().stdout).unwrap()"
    )
}

/// The languages of ISO 639 include `id`.
#[cfg(target_env = "gnu")]
#[requires(sccache)]
#[test]
fn a_text_that_is_also_the_name_of_a_program_does_not_prevent_storing() {
    let texts = "[\"id\", \"who\", \"date\", \"uuidgen\"].join(\" \")";
    let project = app(&format!("{} + &{texts}", runs("cc", "--version")));
    project.main().cargo(&["build"]).ok();
    assert!(builds(&project, &project.linked("second"), false).contains("id who date"));
}

/// What such a program reads is not seen.
#[cfg(target_env = "gnu")]
#[rstest]
#[case::in_the_repository(&runs("../../tools/protoc", "data.txt"))]
#[case::without_arguments(
    "String::from_utf8(std::process::Command::new(\"../../tools/flatc\").output().unwrap().stdout).unwrap()"
)]
#[requires(sccache)]
fn a_script_that_runs_a_program_without_a_dynamic_linker_runs(#[case] value: &str) {
    let project = app(value);
    let tools = project.sandbox.path("main/tools");
    fs::create_dir(&tools).unwrap();
    let source = "fn main() { let file = std::env::args().nth(1).unwrap_or(\"data.txt\".to_owned()); print!(\"{}\", std::fs::read_to_string(file).unwrap()); }";
    fs::write(tools.join("protoc.rs"), source).unwrap();
    let mut compiler = std::process::Command::new("rustc");
    compiler
        .current_dir(&tools)
        .args(["-Ctarget-feature=+crt-static", "protoc.rs"]);
    assert!(compiler.status().unwrap().success());
    fs::copy(tools.join("protoc"), tools.join("flatc")).unwrap();
    project.commit(&project.sandbox.path("main"));
    project.main().cargo(&["build"]).ok();
    let other = project.linked("other");
    other.write("crates/app/data.txt", "of the other\n");
    assert!(builds(&project, &other, true).contains("of the other"));
}

/// cargo runs it again in the same directory.
#[requires(sccache)]
#[test]
fn an_edit_and_its_reversal_are_noticed() {
    let declared = DECLARES.replace("build.rs", "data.txt");
    let project = app(&format!(
        "{{ {declared} fs::read_to_string(\"data.txt\").unwrap() }}"
    ));
    let main = project.main();
    main.cargo(&["build"]).ok();
    for text in ["edited\n", "data\n", "again\n"] {
        main.write("crates/app/data.txt", text);
        main.cargo(&["build"]).ok();
        assert_eq!(main.says("app"), format!("{text}\n"));
    }
    builds(&project, &project.linked("second"), false);
}

/// A run that was observed is seeded although its script runs a compiler, if all that it read is the same.
#[requires(sccache)]
#[test]
fn an_observed_run_is_seeded() {
    let listed = "fs::read_dir(\"some\").unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect::<String>()";
    let project = app(&format!(
        "{{ {}; fs::read_to_string(\"../../shared.txt\").unwrap() + &{listed} }}",
        runs("cc", "--version")
    ));
    project.main().cargo(&["build"]).ok();
    let same = project.linked("same");
    seed(&same);
    same.uncached(&["build"]).ok().nothing_to_do();
    for (place, file, named) in [
        ("one", "shared.txt", "shared.txt"),
        ("two", "crates/app/some/two.txt", "crates/app/some"),
    ] {
        let other = project.linked(place);
        other.write(file, "of this checkout\n");
        let seeded = sccfg(&other, &["seed", "-v"]).status(0);
        let named = other.path(named);
        seeded.stderr_has(&format!(
            "its build script read or looked for {}, which is not the same here",
            named.display()
        ));
        take_runs(&project);
        other.cargo(&["build"]).ok();
        assert_eq!(take_runs(&project), 1);
        says_the_same_uncached(&other);
    }
}
