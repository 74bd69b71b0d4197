//! Build scripts of the workspace, and where the files are that they read and write: next to the workspace, behind links, in
//! directories of the system.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rstest::rstest;

use super::build_scripts::take_runs;
use super::command::said;
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project, copy};
use super::run_inputs::{Start, is_right};
#[cfg(target_os = "linux")]
use super::seed::seed;
#[cfg(target_os = "linux")]
use super::workspace_scripts::runs;
use super::workspace_scripts::{app, builds, shell};

/// A repository with the workspace of [`app`] in its directory `rust`.
fn in_subdirectory(value: &str) -> Project {
    let project = app(value);
    let main = project.sandbox.path("main");
    fs::create_dir_all(main.join("rust")).unwrap();
    for name in ["Cargo.toml", "Cargo.lock", "crates", "shared.txt"] {
        let from = main.join(name);
        if from.exists() {
            fs::rename(from, main.join("rust").join(name)).unwrap();
        }
    }
    project.sandbox.write("main/.gitignore", "/rust/target\n");
    project.sandbox.write("main/proto/one.txt", "one\n");
    project.commit(&main);
    project
}

fn workspace<'p>(project: &'p Project, checkout: &str) -> Checkout<'p> {
    project.linked(checkout).at("rust")
}

#[rstest]
#[case::read(
    "fs::read_to_string(\"../../../proto/one.txt\").unwrap()",
    "proto/one.txt"
)]
#[case::by_its_place(
    "fs::read_to_string(format!(\"{}/../../../proto/one.txt\", std::path::Path::new(&out).ancestors().nth(5).unwrap().join(\"crates/app\").display())).unwrap()",
    "proto/one.txt"
)]
#[case::listed(
    "fs::read_dir(\"../../../proto\").unwrap().count().to_string()",
    "proto/two.txt"
)]
#[case::missing(
    "fs::read_to_string(\"../../../proto/none.txt\").unwrap_or_default()",
    "proto/none.txt"
)]
#[requires(sccache)]
fn what_is_beside_the_workspace_counts(#[case] value: &str, #[case] file: &str) {
    let project = in_subdirectory(value);
    let main = project.main().at("rust");
    main.cargo(&["build"]).ok();
    builds(&project, &workspace(&project, "a/b/same"), false);
    let changed = workspace(&project, "changed");
    changed.write(&format!("../{file}"), "of this checkout\n");
    builds(&project, &changed, true);
    // Nor does it depend on the first.
    main.write(&format!("../{file}"), "edited\n");
    builds(&project, &workspace(&project, "another"), false);
}

/// What is next to a checkout is another directory for one elsewhere.
#[requires(sccache)]
#[test]
fn what_is_beside_the_repository_counts() {
    let project = app("fs::read_to_string(\"../../../beside/one.txt\").unwrap()");
    project.sandbox.write("beside/one.txt", "one\n");
    project.sandbox.write("a/beside/one.txt", "other\n");
    project.main().cargo(&["build"]).ok();
    builds(&project, &project.linked("same"), false);
    builds(&project, &project.linked("a/other"), true);
}

#[rstest]
#[case::read("fs::read_to_string(\"../../current.txt\").unwrap()")]
#[case::asked_for("fs::read_link(\"../../current.txt\").unwrap().display().to_string()")]
#[case::of_a_directory("fs::read_to_string(\"../../current/name.txt\").unwrap()")]
#[case::before_its_parent("fs::read_to_string(\"../../current/../above.txt\").unwrap()")]
#[requires(sccache)]
fn where_a_link_leads_counts(#[case] value: &str) {
    let project = app(value);
    let main = project.sandbox.path("main");
    let leads_to = |checkout: &Path, name: &str| {
        for (link, target) in [
            ("current.txt", format!("{name}/in/name.txt")),
            ("current", format!("{name}/in")),
        ] {
            let link = checkout.join(link);
            if link.is_symlink() {
                fs::remove_file(&link).unwrap();
            }
            symlink(target, link).unwrap();
        }
    };
    for name in ["first", "other"] {
        let write =
            |file: &str, text: &str| project.sandbox.write(&format!("main/{name}/{file}"), text);
        write("in/name.txt", name);
        write("above.txt", name);
    }
    leads_to(&main, "first");
    project.commit(&main);
    project.main().cargo(&["build"]).ok();
    builds(&project, &project.linked("same"), false);
    let other = project.linked("changed");
    leads_to(&other.path(""), "other");
    assert!(builds(&project, &other, true).contains("other"));
}

/// A path leads nowhere if a part in front of `..` is not there.
#[rstest]
#[case::missing("fs::read_to_string(\"new/../data.txt\").unwrap_or_default()")]
#[case::removed("fs::read_to_string(\"some/../data.txt\").unwrap_or_default()")]
#[case::searched_by_the_compiler(
    "{ fs::write(format!(\"{out}/c.c\"), \"#include \\\"h.h\\\"\\n\").unwrap(); \
    let mut cc = std::process::Command::new(\"cc\"); cc.args([\"-E\", \"-P\", \"-I\", \"new/../i1\", \"-I\", \"i2\"]); \
    String::from_utf8(cc.arg(format!(\"{out}/c.c\")).output().unwrap().stdout).unwrap() }"
)]
#[requires(sccache)]
fn what_precedes_a_parent_in_a_path_counts(
    #[case] value: &str,
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    let project = app(value)
        .file("crates/app/i1/h.h", "one\n")
        .file("crates/app/i2/h.h", "two\n")
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let change = |checkout: &Checkout<'_>| {
        fs::create_dir_all(checkout.path("crates/app/new")).unwrap();
        fs::remove_dir_all(checkout.path("crates/app/some")).unwrap();
    };
    builds(&project, &project.linked("same"), false);
    let second = project.linked("second");
    change(&second);
    is_right(&second, start);
    change(&main);
    main.clean();
    is_right(&main, Start::Empty);
}

/// The place of a checkout, in a variable of `[env]` (`PLACE`), of the shell (`ROOT_OF_ALL`), or of cargo.
#[rstest]
#[case::of_the_configuration("env::var(\"PLACE\").unwrap().len().to_string()")]
#[case::of_the_shell("env::var(\"ROOT_OF_ALL\").unwrap().rsplit('/').nth(2).unwrap().to_owned()")]
#[case::by_a_name_that_is_put_together(
    "env::var([\"CARGO\", \"MANIFEST\", \"DIR\"].join(\"_\")).unwrap().len().to_string()"
)]
#[case::among_all_variables(
    "env::vars().find(|(name, _)| name.starts_with(\"CARGO_MANIF\")).unwrap().1.len().to_string()"
)]
#[case::by_a_program(
    "{ let ran = std::process::Command::new(\"sh\").args([\"-c\", \"echo ${#ROOT_OF_ALL}\"]).output().unwrap(); \
    String::from_utf8(ran.stdout).unwrap() }"
)]
#[requires(sccache)]
fn a_value_that_is_computed_from_the_path_is_that_of_this_checkout(
    #[case] value: &str,
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    let settings = "[env]\nPLACE = { value = \"crates/app\", relative = true }\n";
    let project = app(value).file(".cargo/config.toml", settings).committed();
    let [main, second] = [project.main(), project.linked("a/longer/second")];
    let [main, second] = [main, second].map(|checkout| {
        let place = checkout.path("crates/app");
        checkout.with("ROOT_OF_ALL", place.to_str().unwrap())
    });
    main.cargo(&["build"]).ok();
    is_right(&second, start);
    // In the same place, it is known.
    main.clean();
    main.cargo(&["build"]).ok();
}

/// In dev shells of Nix, `out` is a directory next to `flake.nix`, and many scripts have something of that name.
#[requires(sccache)]
#[test]
fn a_variable_that_is_called_like_something_in_the_script_is_not_read() {
    let project = app("format!(\"{}\", out.len() / 1000)");
    let build = |checkout: &Checkout<'_>, runs| {
        let out = checkout.path("outputs/out");
        builds(&project, &checkout.with("out", out.to_str().unwrap()), runs);
    };
    build(&project.main(), true);
    build(&project.linked("second"), false);
}

/// A variable may name a directory that is made, such as one of sources that are generated.
#[requires(sccache)]
#[test]
fn a_file_is_written_each_time_wherever_a_variable_says() {
    let project = app(
        "{ let to = env::var(\"GENERATED\").unwrap(); fs::create_dir_all(&to).unwrap(); \
        fs::write(format!(\"{to}/made.txt\"), \"made\").unwrap(); String::new() }",
    )
    .file(
        ".cargo/config.toml",
        "[env]\nGENERATED = { value = \"generated\", relative = true }\n",
    );
    project
        .sandbox
        .write("main/.gitignore", "/target\n/generated\n");
    project.commit(&project.sandbox.path("main"));
    let main = project.main();
    main.cargo(&["build"]).ok();
    let explained = said(&main, &["wrapper", "explain", "app"]);
    assert!(
        explained.contains("it wrote a file of the checkout"),
        "{explained}"
    );
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert_eq!(second.read("generated/made.txt"), "made");
}

#[requires(sccache)]
#[test]
fn a_file_is_written_each_time_without_a_repository() {
    let project = app("{ fs::write(\"../../made.txt\", \"made\").unwrap(); String::new() }");
    let plain = |place: &str| {
        let to = project.sandbox.path(place);
        copy(&project.sandbox.path("main"), &to);
        fs::remove_dir_all(to.join(".git")).unwrap();
        project.checkout(to)
    };
    let [first, second] = ["first", "second"].map(plain);
    first.cargo(&["build"]).ok();
    second.cargo(&["build"]).ok();
    assert_eq!(second.read("made.txt"), "made");
}

/// A checkout may be in a directory of the system, whose other files never change.
#[requires(sccache)]
#[test]
fn files_that_it_reads_in_a_directory_of_the_system_count() {
    let value = "{ std::process::Command::new(\"true\").status().unwrap(); fs::read_to_string(\"data.txt\").unwrap() }";
    for system in ["/dev/shm", "/usr/src"] {
        let Ok(place) = tempfile::tempdir_in(system) else {
            continue;
        };
        let project =
            app(&value.replace("{ std", "{ println!(\"cargo::rerun-if-changed=none\"); std"));
        let directory = place.path().join("checkout");
        copy(&project.sandbox.path("main"), &directory);
        let checkout = project.checkout(directory);
        checkout.cargo(&["build"]).ok();
        checkout.write("crates/app/data.txt", "edited\n");
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "edited\n\n", "{system}");
    }
}

/// As `make` does.
#[requires(sccache)]
#[test]
fn what_it_generated_from_another_file_is_generated_again() {
    let project = app(&shell(
        "test made.txt -nt data.txt || cp data.txt made.txt; cat made.txt",
    ));
    project
        .sandbox
        .write("main/.gitignore", "/target\nmade.txt\n");
    let again = "println!(\"cargo::rerun-if-changed=none\");";
    project.main().edit(
        "crates/app/build.rs",
        "println!(\"cargo::rerun-if-changed=build.rs\");",
        again,
    );
    project.commit(&project.sandbox.path("main"));
    let main = project.main();
    for _ in 0..2 {
        main.clean();
        main.cargo(&["build"]).ok();
    }
    main.write("crates/app/data.txt", "atad\n");
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "atad\n\n");
}

/// The length of a path cannot be replaced in what a script passes on.
#[rstest]
#[case::current("std::env::current_dir().unwrap()")]
#[case::of_a_file("std::fs::canonicalize(\"build.rs\").unwrap()")]
#[requires(sccache)]
fn its_path_counts_if_a_library_of_the_workspace_asks_for_it(#[case] path: &str) {
    let project = app("helper::length().to_string()");
    let library = format!("pub fn length() -> usize {{ {path}.as_os_str().len() }}\n");
    let project = project.package("helper", "", &[("src/lib.rs", &library)]);
    let main = project.main();
    let manifest = main.read("crates/app/Cargo.toml");
    main.write(
        "crates/app/Cargo.toml",
        &format!("{manifest}\n[build-dependencies]\nhelper = {{ path = \"../helper\" }}\n"),
    );
    project.commit(&main.path(""));
    main.cargo(&["build"]).ok();
    main.clean();
    builds(&project, &main, false);
    builds(&project, &project.linked("another/second"), true);
}

/// As a database does.
#[requires(sccache)]
#[test]
fn a_file_that_is_opened_to_be_changed_counts() {
    let value = "{ let mut file = fs::OpenOptions::new().read(true).write(true).open(\"../../../outside.txt\").unwrap(); \
        let mut text = String::new(); std::io::Read::read_to_string(&mut file, &mut text).unwrap(); text }";
    let project = app(value);
    project.sandbox.write("outside.txt", "one\n");
    project.main().cargo(&["build"]).ok();
    // It may be written, too.
    builds(&project, &project.linked("same"), true);
    project.sandbox.write("outside.txt", "two\n");
    builds(&project, &project.linked("changed"), true);
}

#[rstest]
#[case::clock("date +%Y", "it may read the clock")]
#[case::machine("uname -s", "it may depend on the user")]
#[requires(sccache)]
fn a_script_runs_each_time_if_a_program_that_its_source_does_not_name_differs(
    #[case] words: &str,
    #[case] why: &str,
) {
    let project = app(&shell("sh ../../shared.txt"));
    let main = project.main();
    main.write("shared.txt", words);
    project.commit(&main.path(""));
    main.cargo(&["build"]).ok();
    let explained = said(&main, &["wrapper", "explain", "app"]);
    assert!(explained.contains(why), "{explained}");
    let second = project.linked("second");
    take_runs(&project);
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    says_the_same_uncached(&second);
}

/// The dynamic linker loads it before the program runs.
#[cfg(target_os = "linux")]
#[requires(sccache)]
#[test]
fn a_library_of_a_program_counts() {
    let project = app(&runs("../../tools/protoc", ""));
    let tools = project.sandbox.path("main/tools");
    fs::create_dir(&tools).unwrap();
    let compile = |directory: &Path, words: &[&str]| {
        let mut compiler = std::process::Command::new("cc");
        compiler.current_dir(directory).args(words);
        assert!(compiler.status().unwrap().success());
    };
    let library = |directory: &Path, word: &str| {
        let code = format!("const char *word(void) {{ return \"{word}\"; }}\n");
        fs::write(directory.join("word.c"), code).unwrap();
        compile(
            directory,
            &["-shared", "-fPIC", "-o", "libword.so", "word.c"],
        );
    };
    library(&tools, "one");
    let code =
        "#include <stdio.h>\nconst char *word(void);\nint main(void) { puts(word()); return 0; }\n";
    fs::write(tools.join("says.c"), code).unwrap();
    let linked = [
        "says.c",
        "-o",
        "protoc",
        "-L.",
        "-lword",
        "-Wl,-rpath,$ORIGIN",
    ];
    compile(&tools, &linked);
    project.commit(&project.sandbox.path("main"));
    project.main().cargo(&["build"]).ok();
    builds(&project, &project.linked("same"), false);
    let other = project.linked("other");
    library(&other.path("tools"), "two");
    assert!(builds(&project, &other, true).contains("two"));
}

/// `clang-sys` looks for a library where cargo has those of the build.
#[cfg(target_os = "linux")]
#[requires(sccache)]
#[test]
fn a_library_that_is_found_where_cargo_builds_counts() {
    let listed = "env::split_paths(&env::var_os(\"LD_LIBRARY_PATH\").unwrap()).filter_map(|path| fs::read_dir(path).ok())";
    let project = app(&format!(
        "{listed}.flatten().filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with(\"libfound\")).count().to_string()"
    ));
    let shared = "[lib]\ncrate-type = [\"cdylib\"]\n";
    let project = project.package("shared", shared, &[("src/lib.rs", "")]);
    project.commit(&project.sandbox.path("main"));
    project.main().cargo(&["build", "-p", "shared"]).ok();
    project.main().cargo(&["build"]).ok();
    let same = project.linked("same");
    assert_eq!(builds(&project, &same, false), "0\n");
    let seeded = project.linked("seeded");
    seed(&seeded);
    seeded.uncached(&["build"]).ok().nothing_to_do();
    let other = project.linked("other");
    other.write("target/debug/deps/libfound.so.1", "");
    take_runs(&project);
    other.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    assert_eq!(other.says("app"), "1\n");
}
