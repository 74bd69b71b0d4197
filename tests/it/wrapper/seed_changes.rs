//! Sources that are written between seeding and the first build: this compiles what is there, as in a worktree without
//! a target directory, whatever the times of the sources.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use rstest::rstest;

use super::build_scripts::{DECLARES_ITSELF, app, saying};
use super::file_stamps::script;
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Layout, Project, real_rustc, succeeds};
use super::seed::{ALL, project, sccfg, seed};
use super::toolchains::two;

/// A macro that reads a file without telling the compiler, and a program that prints it.
const READER: &str = r#"
extern crate proc_macro;
#[proc_macro]
pub fn secret(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let path = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("words.txt");
    format!("{:?}", std::fs::read_to_string(path).unwrap().trim()).parse().unwrap()
}
"#;

/// Writes a file as `cp -p` does: it keeps the time of the original, which is an hour old.
fn copy_with_time(checkout: &Checkout<'_>, relative: &str, text: &str) {
    let path = checkout.path(relative);
    fs::write(&path, text).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(hour_ago).unwrap();
}

fn reading_project() -> Project {
    project()
        .package(
            "reader",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", READER)],
        )
        .package(
            "poem",
            "[dependencies]\nreader = { path = \"../reader\" }\n",
            &[
                (
                    "src/main.rs",
                    "fn main() { println!(\"{}\", reader::secret!()); }\n",
                ),
                ("words.txt", "words of main\n"),
            ],
        )
}

#[rstest]
#[case::source(
    "app",
    "crates/low/src/lib.rs",
    "pub fn place() -> &'static str { \"copied\" }\npub fn fails() {}\n\
    pub const DATA: &str = \"copied\";\npub const MADE: &str = \"copied\";\n"
)]
#[case::included("app", "data.txt", "copied\n")]
#[case::declared("app", "crates/low/input.txt", "copied\n")]
#[case::read_by_a_macro("poem", "crates/poem/words.txt", "copied\n")]
#[requires(sccache)]
fn a_source_that_is_copied_with_its_time_counts(
    #[case] program: &str,
    #[case] file: &str,
    #[case] text: &str,
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = reading_project().with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    copy_with_time(&linked, file, text);
    linked.cargo(&["build"]).ok();
    let said = linked.says(program);
    assert!(said.contains("copied"), "{said}");
    // From then on, cargo alone decides.
    linked.cargo(&["build"]).ok().nothing_to_do();
    linked.clean();
    linked.uncached(&["build"]).ok();
    assert_eq!(linked.says(program), said);
}

#[requires(sccache)]
#[test]
fn a_directory_that_is_moved_into_the_worktree_counts() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    let changed = "pub fn place() -> &'static str { \"moved\" }\npub fn fails() {}\n\
                   pub const DATA: &str = \"\";\npub const MADE: &str = \"\";\n";
    linked.write("aside/lib.rs", changed);
    seed(&linked);
    fs::remove_dir_all(linked.path("crates/low/src")).unwrap();
    fs::rename(linked.path("aside"), linked.path("crates/low/src")).unwrap();
    linked.cargo(&["build"]).ok();
    assert!(
        linked.says("app").starts_with("moved "),
        "{}",
        linked.says("app")
    );
}

/// cargo does not ask for the version again after any of them.
#[rstest]
#[case::without_build(&["metadata", "--format-version=1"])]
#[case::with_a_setting(&["build", "--config", "net.offline=true"])]
#[case::of_one_package(&["check", "-p", "mac"])]
#[requires(sccache)]
fn the_first_command_checks_the_sources_whatever_it_is(#[case] command: &[&str]) {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    copy_with_time(&linked, "data.txt", "copied\n");
    linked.cargo(command).ok();
    linked.cargo(&["build"]).ok();
    assert!(linked.says("app").contains("copied"));
}

#[requires(sccache)]
#[test]
fn a_file_outside_that_a_build_script_reads_counts() {
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("setting.txt");
    fs::write(&file, "before").unwrap();
    let script = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\");
         let text = std::fs::read_to_string({file:?}).unwrap();
         println!(\"cargo::rustc-env=SETTING={{text}}\"); }}"
    );
    let main = "fn main() { println!(\"{}\", env!(\"SETTING\")); }\n";
    let files = [("build.rs", &*script), ("src/main.rs", main)];
    let project = Project::new()
        .with_store()
        .package("app", "", &files)
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    fs::write(&file, "after").unwrap();
    linked.cargo(&["build"]).ok();
    assert_eq!(linked.says("app"), "after\n");
}

#[requires(sccache)]
#[test]
fn with_a_damaged_record_everything_is_built_again() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    copy_with_time(&linked, "data.txt", "copied\n");
    linked.write("target/.sccfg/seeded.json", "{\"format\":");
    linked.cargo(&["build"]).ok();
    assert!(linked.says("app").contains("copied"));
}

/// What was seeded there is older than the sources, so nothing is taken from it.
#[requires(sccache)]
#[test]
fn a_seeded_worktree_whose_sources_have_changed_seeds_no_other() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    seed(&second);
    copy_with_time(&second, "data.txt", "copied\n");
    let third = project.linked("third");
    sccfg(&third, &["seed", "--from", second.text()])
        .status(0)
        .stderr_has("was seeded itself, and its sources have changed since");
}

#[requires(sccache)]
#[test]
fn an_edit_of_a_declared_file_builds_what_depends_on_it() {
    let project = reading_project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.write("crates/low/input.txt", "edited\n");
    let built = linked.cargo(&["build"]).ok();
    let compiling = |name: &str| built.ran.stderr.contains(&format!("Compiling {name} "));
    assert!(compiling("low") && compiling("app"), "{:?}", built.ran);
    assert!(!compiling("poem") && !compiling("mac"), "{:?}", built.ran);
    assert!(linked.says("app").contains("edited"));
}

/// As `include_dir` does with the root of the workspace.
#[requires(sccache)]
#[test]
fn a_macro_that_lists_the_workspace_does_not_see_a_new_target_directory() {
    let lister = READER.replace(
        "std::fs::read_to_string(path).unwrap().trim()",
        "std::fs::read_dir(path.parent().unwrap().join(\"../..\")).unwrap().count() > 0",
    );
    let project = Project::new()
        .with_store()
        .package(
            "reader",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", &lister.replace("{:?}\", std", "{}\", std"))],
        )
        .package(
            "poem",
            "[dependencies]\nreader = { path = \"../reader\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", reader::secret!()); }\n",
            )],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    let built = linked.cargo(&["build"]).ok();
    assert!(
        !built.ran.stderr.contains("Compiling reader"),
        "{:?}",
        built.ran
    );
}

#[requires(sccache)]
#[test]
fn a_declared_directory_may_have_names_that_are_not_utf_8() {
    use std::os::unix::ffi::OsStrExt as _;
    let script = "fn main() { println!(\"cargo::rerun-if-changed=data\"); }";
    let files = [
        ("build.rs", script),
        ("src/main.rs", "fn main() {}\n"),
        ("data/a", ""),
    ];
    let project = project().package("declares", "", &files).committed();
    let name = std::ffi::OsStr::from_bytes(b"crates/declares/data/\xff");
    let main = project.main();
    main.cargo(&["build"]).ok();
    let linked = project.linked("second");
    fs::write(linked.path(".").join(name), "").unwrap();
    seed(&linked);
    linked.cargo(&["build"]).ok();
}

#[requires(sccache)]
#[test]
fn an_edit_builds_only_what_depends_on_it() {
    let project = reading_project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.write(
        "crates/app/src/main.rs",
        "fn main() { println!(\"edited\"); }\n",
    );
    let built = linked.cargo(&["build"]).ok();
    let compiling = built.ran.stderr.matches("Compiling").count();
    assert_eq!(compiling, 1, "{:?}", built.ran);
    assert_eq!(linked.says("app"), "edited\n");
}

/// What is seeded as the build begins has nothing to look at again.
#[requires(sccache)]
#[test]
fn the_record_of_sources_is_there_until_the_first_build() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let linked = project.linked("second");
    seed(&linked);
    let record = linked.path("target/.sccfg/seeded.json");
    assert!(record.is_file());
    linked.cargo(&ALL).ok().nothing_to_do();
    assert!(!record.exists());
    let third = project.linked("third");
    third.without("SCCFG_SEED").cargo(&ALL).ok().nothing_to_do();
    assert!(!third.path("target/.sccfg/seeded.json").exists());
}

/// git moves the worktree, or somebody copies it: programs name the place where they are.
#[rstest]
#[case::moved(|project: &Project| {
    project.git(&project.main().directory, &["worktree", "move", "../second", "../other"]);
})]
#[case::renamed(|project: &Project| {
    fs::rename(project.sandbox.path("second"), project.sandbox.path("other")).unwrap();
    project.git(&project.sandbox.path("other"), &["worktree", "repair"]);
})]
#[requires(sccache)]
fn a_worktree_that_is_moved_before_its_first_build_is_built_there(
    #[case] moves: fn(&Project),
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = project().with_layout(layout).file(
        "crates/app/src/main.rs",
        "mod place;\nfn main() { println!(\"{} {}\", low::place(), place::generated()); }\n",
    );
    let project = project
        .file("crates/app/src/place.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n")
        .file("crates/app/build.rs", "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); \
             let out = std::env::var(\"OUT_DIR\").unwrap(); \
             std::fs::write(out + \"/g.rs\", \"pub fn generated() -> &'static str { file!() }\").unwrap(); }\n")
        .committed();
    project.main().cargo(&["build"]).ok();
    seed(&project.linked("second"));
    moves(&project);
    let moved = project.checkout(project.sandbox.path("other"));
    moved.cargo(&["build"]).ok();
    let said = says_the_same_uncached(&moved);
    assert!(said.contains(moved.text()), "{said}");
}

/// A read-only directory of git has no mark.
#[requires(sccache)]
#[test]
fn without_a_mark_the_first_command_checks_the_sources_as_well() {
    let project = project().committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    fs::remove_file(
        project
            .sandbox
            .path("main/.git/worktrees/second/sccfg-seeded"),
    )
    .unwrap();
    copy_with_time(&linked, "data.txt", "copied\n");
    linked.cargo(&["build"]).ok();
    assert!(linked.says("app").contains("copied"));
}

/// rustc refuses a module with two files.
#[rstest]
#[case("crates/low/src/more.rs", "crates/low/src/more/mod.rs")]
#[case("crates/low/src/more/mod.rs", "crates/low/src/more.rs")]
#[requires(sccache)]
fn a_second_file_of_a_module_is_an_error(#[case] first: &str, #[case] second: &str) {
    let project = project()
        .file("crates/low/src/lib.rs", "mod more;\npub use more::*;\n")
        .file(first, "pub fn place() -> &'static str { \"\" }\npub fn fails() {}\npub const DATA: &str = \"\";\npub const MADE: &str = \"\";\n")
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.write(second, "");
    linked.cargo(&["build"]).fails().stderr_has("E0761");
}

/// The checkout in a shell with this flavour.
fn with_flavour<'p>(checkout: Checkout<'p>, value: Option<&str>) -> Checkout<'p> {
    match value {
        Some(value) => checkout.with("FLAVOUR", value),
        None => checkout,
    }
}

/// A worktree may be created in the shell of another one, and built in its own, which has other variables.
#[rstest]
#[case::that_is_set_later(None, Some("mint"))]
#[case::that_differs(Some("plain"), Some("mint"))]
#[case::that_is_not_set_later(Some("mint"), None)]
#[requires(sccache)]
fn a_variable_of_the_first_build_counts(
    #[case] before: Option<&str>,
    #[case] after: Option<&str>,
    #[values("macro", "script")] reader: &str,
) {
    let reads = "std::env::var(\"FLAVOUR\").unwrap_or_default()";
    let mac = format!(
        "extern crate proc_macro;\n#[proc_macro]\npub fn flavour(_: proc_macro::TokenStream) -> \
         proc_macro::TokenStream {{ format!(\"{{:?}}\", {reads}).parse().unwrap() }}\n"
    );
    let script = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\");\n\
         println!(\"cargo::rustc-env=SAYS={{}}\", {reads}); }}\n"
    );
    let (uses, main, files) = if reader == "macro" {
        let uses = "[dependencies]\nmac = { path = \"../mac\" }\n";
        (
            uses,
            "fn main() { println!(\"{}\", mac::flavour!()); }\n",
            vec![],
        )
    } else {
        let files = vec![("build.rs", script.as_str())];
        (
            "",
            "fn main() { println!(\"{}\", env!(\"SAYS\")); }\n",
            files,
        )
    };
    let files = [vec![("src/main.rs", main)], files].concat();
    let project = Project::new()
        .with_store()
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", &mac)])
        .package("app", uses, &files)
        .committed();
    with_flavour(project.main(), before).cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&with_flavour(linked.clone(), before));
    with_flavour(linked.clone(), after).cargo(&["build"]).ok();
    assert_eq!(linked.says("app").trim(), after.unwrap_or_default());
    let same = with_flavour(project.linked("third"), before);
    seed(&same);
    same.cargo(&["build"]).ok().nothing_to_do();
}

/// cargo does not know the files that only arguments of the linker name.
#[requires(sccache)]
#[test]
fn a_file_that_the_linker_reads_counts() {
    let main = "extern \"C\" { static number: u8; }\nfn main() { println!(\"{}\", unsafe { &raw const number } as usize as u8); }\n";
    let project = Project::new()
        .with_store()
        .package("app", "", &[("src/main.rs", main)])
        .file(
            ".cargo/config.toml",
            "[build]\nrustflags = [\"-Clink-arg=numbers.ld\"]\n",
        )
        .file("numbers.ld", "number = 0x10;\n")
        .committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.write("numbers.ld", "number = 0x20;\n");
    linked.cargo(&["build"]).ok();
    assert_eq!(linked.says("app"), "32\n");
}

/// The checkout in a shell that finds programs in this directory of the sandbox first.
fn with_programs<'p>(project: &Project, checkout: &Checkout<'p>, directory: &str) -> Checkout<'p> {
    let directory = project.sandbox.path(directory);
    let path = std::env::var("PATH").unwrap();
    checkout.with("PATH", &format!("{}:{path}", directory.display()))
}

#[rstest]
#[requires(sccache)]
#[case::the_default_one("cc", "-Crelocation-model=static")]
#[case::one_that_a_flag_names(
    "another-linker",
    "-Crelocation-model=static -Clinker=another-linker"
)]
fn the_linker_of_the_first_build_counts(#[case] linker: &str, #[case] flags: &str) {
    let main = "extern \"C\" { static number: u8; }\nfn main() { println!(\"{}\", &raw const number as usize); }\n";
    let project = Project::new()
        .with_store()
        .package("app", "", &[("src/main.rs", main)])
        .committed();
    for number in [1, 2] {
        let text =
            format!("#!/bin/sh\nexec /usr/bin/cc -no-pie -Wl,--defsym=number={number} \"$@\"\n");
        script(&project, &format!("{number}/{linker}"), &text);
    }
    let main = project.main().with("RUSTFLAGS", flags);
    with_programs(&project, &main, "1").cargo(&["build"]).ok();
    let same = project.linked("same").with("RUSTFLAGS", flags);
    let same = with_programs(&project, &same, "1");
    seed(&same);
    same.cargo(&["build"]).ok().nothing_to_do();
    let linked = project.linked("second").with("RUSTFLAGS", flags);
    seed(&with_programs(&project, &linked, "1"));
    let second = with_programs(&project, &linked, "2");
    second.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&second), "2\n");
}

/// A project with a macro that returns the path of cargo, as cargo sets it.
fn project_with_path_of_cargo() -> Project {
    let mac = "extern crate proc_macro;\n#[proc_macro]\npub fn cargo(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n\
        format!(\"{:?}\", std::env::var(\"CARGO\").unwrap()).parse().unwrap()\n}\n";
    let main = "fn main() { println!(\"{}\", mac::cargo!()); }\n";
    let manifest = "[dependencies]\nmac = { path = \"../mac\" }\n";
    Project::new()
        .with_store()
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", mac)])
        .package("app", manifest, &[("src/main.rs", main)])
        .committed()
}

/// cargo is not run to seed, so nothing has set `CARGO`. In nixpkgs, cargo is a script that runs `.cargo-wrapped`.
#[rstest]
#[requires(sccache)]
fn the_path_of_cargo_is_known_before_it_runs(#[values(false, true)] is_wrapped: bool) {
    let project = project_with_path_of_cargo();
    let real = real_rustc().with_file_name("cargo");
    let directory = project.sandbox.path("bin");
    fs::create_dir(&directory).unwrap();
    if is_wrapped {
        let wrapped = directory.join(".cargo-wrapped");
        fs::copy(&real, &wrapped).unwrap();
        let text = format!("#!/bin/sh\nexec {} \"$@\"\n", wrapped.display());
        script(&project, "bin/cargo", &text);
    }
    let main = with_programs(&project, &project.main(), "bin");
    main.cargo(&["build"]).ok();
    let linked = with_programs(&project, &project.linked("second"), "bin");
    seed(&linked);
    linked.uncached(&["build"]).ok().nothing_to_do();
    let path = if is_wrapped {
        directory.join(".cargo-wrapped")
    } else {
        real
    };
    let path = path.canonicalize().unwrap();
    assert_eq!(linked.says("app"), format!("{}\n", path.display()));
}

#[requires(sccache)]
#[test]
fn the_cargo_of_the_first_build_counts() {
    let project = project_with_path_of_cargo();
    let other = project.sandbox.path("other/cargo");
    fs::create_dir(other.parent().unwrap()).unwrap();
    fs::copy(real_rustc().with_file_name("cargo"), &other).unwrap();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    let second = with_programs(&project, &linked, "other");
    second.cargo(&["build"]).ok();
    let other = other.canonicalize().unwrap();
    assert_eq!(
        says_the_same_uncached(&second),
        format!("{}\n", other.display())
    );
}

#[requires(sccache)]
#[test]
fn a_program_that_a_build_script_of_the_first_build_finds_counts() {
    let value = "String::from_utf8(std::process::Command::new(\"app-tool\").output().unwrap().stdout).unwrap()";
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    for number in ["1", "2"] {
        let text = format!("#!/bin/sh\necho {number}\n");
        script(&project, &format!("{number}/app-tool"), &text);
    }
    let main = with_programs(&project, &project.main(), "1");
    main.cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&with_programs(&project, &linked, "1"));
    let second = with_programs(&project, &linked, "2");
    second.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&second).starts_with("2\n"));
}

/// rustup does not pass `+nightly` on to cargo. The build with it compiles none of the units that were seeded, so the one after it
/// still compares their sources.
#[requires(sccache, second_toolchain, rustup)]
#[test]
fn a_build_with_another_toolchain_is_not_the_first_one() {
    let [used, other] = two().map(|(rustc, _)| {
        let toolchain = rustc.ancestors().nth(2).unwrap().file_name().unwrap();
        toolchain.to_str().unwrap().to_owned()
    });
    let file = format!("[toolchain]\nchannel = \"{used}\"\n");
    let project = project().file("rust-toolchain.toml", &file).committed();
    project.main().without("RUSTC").cargo(&["build"]).ok();
    let linked = project.linked("second").without("RUSTC");
    seed(&linked);
    let mut cargo = linked.command("cargo");
    let other = format!("+{other}");
    succeeds(cargo.args([&*other, "check", "--offline", "-p", "mac"]));
    copy_with_time(&linked, "data.txt", "copied\n");
    linked.cargo(&["build"]).ok();
    assert!(
        linked.says("app").contains("copied"),
        "{}",
        linked.says("app")
    );
}
