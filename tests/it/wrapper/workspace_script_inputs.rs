//! Inputs of build scripts of the workspace that are easily overlooked: outside of the checkout, or changed while the script
//! runs. An uncached build is the judge.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rstest::rstest;

use super::out_dir::says_the_same_uncached;
#[cfg(target_os = "linux")]
use super::project::Checkout;
use super::project::Project;
use super::seed::seed;
#[cfg(target_os = "linux")]
use super::workspace_scripts::runs;
use super::workspace_scripts::{app, builds};
use crate::support::wait_until;

/// Builds, lets `change` change something in the sandbox, and builds again from nothing.
fn builds_after(project: &Project, change: impl FnOnce(&Path)) {
    let main = project.main();
    main.cargo(&["build"]).ok();
    change(&project.sandbox.path(""));
    main.clean();
    main.cargo(&["build"]).ok();
    says_the_same_uncached(&main);
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A link to another target than before.
fn lead(link: &Path, target: &str) {
    let _ = fs::remove_file(link);
    symlink(target, link).unwrap();
}

/// A project with a script that finds something out by `value`, in which `$SDK` stands for a directory next to the checkout.
fn with_sdk_outside(value: &str) -> Project {
    let project = app(value);
    let sdk = project.sandbox.path("sdk");
    for version in ["v1", "v2"] {
        write(&sdk.join(version).join("name.txt"), version);
    }
    write(&sdk.join("python_api.h"), "#define WORD 1\n");
    lead(&sdk.join("current"), "v1");
    project
}

#[rstest]
#[case::read("fs::read_link(\"../../../sdk/current\").unwrap().display().to_string()")]
#[case::resolved(
    "fs::canonicalize(\"../../../sdk/current\").unwrap().file_name().unwrap().to_str().unwrap().to_owned()"
)]
#[case::on_the_way("fs::read_to_string(\"../../../sdk/current/name.txt\").unwrap()")]
#[requires(sccache)]
fn where_a_link_outside_leads_counts(#[case] value: &str) {
    builds_after(&with_sdk_outside(value), |outer| {
        lead(&outer.join("sdk/current"), "v2");
    });
}

/// gcc looks for the headers of C++ in `/usr/lib/gcc/x86_64-linux-gnu/12/../../../../include/c++/12`.
#[rstest]
#[case::by_the_compiler(
    "{ fs::write(format!(\"{out}/a.cc\"), \"#include <cstddef>\\n\").unwrap(); \
    let compiler = std::process::Command::new(\"c++\").arg(\"-E\").arg(format!(\"{out}/a.cc\")).output().unwrap(); \
    compiler.status.to_string() }"
)]
#[case::listed("fs::read_dir(\"/usr/bin/..\").unwrap().count().to_string()")]
#[requires(sccache)]
fn what_is_behind_a_directory_of_the_system_is_shared_at_any_depth(#[case] value: &str) {
    let project = app(value);
    project.main().cargo(&["build"]).ok();
    builds(&project, &project.linked("a/deeper/second"), false);
}

#[requires(sccache)]
#[test]
fn whether_an_entry_is_a_directory_counts() {
    let value = "fs::read_dir(\"some\").unwrap().next().unwrap().unwrap().file_type().unwrap().is_dir().to_string()";
    builds_after(&app(value), |outer| {
        let entry = outer.join("main/crates/app/some/one.txt");
        fs::remove_file(&entry).unwrap();
        fs::create_dir(&entry).unwrap();
    });
}

/// Directories that search paths name are listed in the key, but not all that is in them.
#[requires(sccache)]
#[test]
fn a_header_with_any_name_counts() {
    let value = "{ fs::write(format!(\"{out}/a.c\"), \"#include <python_api.h>\\nWORD\\n\").unwrap(); \
        let output = std::process::Command::new(\"cc\").arg(\"-E\").arg(format!(\"{out}/a.c\")).output().unwrap(); \
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned() }";
    let project = with_sdk_outside(value);
    let sdk = project.sandbox.path("sdk");
    let main = project.main().with("CPATH", sdk.to_str().unwrap());
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "1\n");
    write(&sdk.join("python_api.h"), "#define WORD 22\n");
    main.clean();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "22\n");
}

/// rustup sets a variable for cargo, and reads it in its proxies, such as the `rustfmt` that bindgen runs. These read the search path of
/// libraries as well, which differs if rustup runs the tests.
#[cfg(target_os = "linux")]
#[requires(sccache)]
#[test]
fn a_variable_that_rustup_sets_for_cargo_does_not_count_when_a_worktree_is_seeded() {
    let project = app(&format!(
        "{{ unsafe {{ env::remove_var(\"LD_LIBRARY_PATH\") }}; {} }}",
        runs("rustfmt", "--version")
    ));
    let built = |checkout: &Checkout<'_>| {
        let of_rustup = checkout.with("RUST_RECURSION_COUNT", "1");
        of_rustup.cargo(&["build"]).ok()
    };
    built(&project.main());
    let linked = project.linked("second");
    seed(&linked.without("RUST_RECURSION_COUNT"));
    built(&linked).nothing_to_do();
}

/// A file that a variable names may be outside of the repository.
#[requires(sccache)]
#[test]
fn what_a_variable_names_counts_when_a_worktree_is_seeded() {
    let project = with_sdk_outside(
        "fs::read_to_string(env::var(\"MY_SDK\").unwrap() + \"/v1/name.txt\").unwrap()",
    );
    let sdk = project.sandbox.path("sdk");
    let with = |place: &str| project.linked(place).with("MY_SDK", sdk.to_str().unwrap());
    let main = project.main().with("MY_SDK", sdk.to_str().unwrap());
    main.cargo(&["build"]).ok();
    let same = with("same");
    seed(&same);
    same.uncached(&["build"]).ok().nothing_to_do();
    write(&sdk.join("v1/name.txt"), "edited");
    let other = with("other");
    seed(&other);
    other.cargo(&["build"]).ok();
    assert_eq!(other.says("app"), "edited\n");
}

/// A compiler reads the clock for these words, which no script names.
#[requires(sccache)]
#[test]
fn a_script_whose_compiler_reads_the_clock_runs_each_time() {
    let value = "{ fs::write(format!(\"{out}/a.c\"), format!(\"__TI{}__\\n\", \"ME\")).unwrap(); \
        let output = std::process::Command::new(\"cc\").arg(\"-E\").arg(format!(\"{out}/a.c\")).output().unwrap(); \
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned() }";
    let project = app(value);
    let main = project.main();
    main.cargo(&["build"]).ok();
    let first = main.says("app");
    thread::sleep(Duration::from_millis(1100));
    main.clean();
    main.cargo(&["build"]).ok();
    assert_ne!(main.says("app"), first);
}

#[cfg(target_os = "linux")]
#[requires(sccache)]
#[test]
fn a_file_of_the_kernel_whose_name_is_in_another_file_counts() {
    let shared = tempfile::tempdir_in("/dev/shm").unwrap();
    let file = shared.path().join("one.txt");
    write(&file, "one");
    let project =
        app("fs::read_to_string(fs::read_to_string(\"../../../name.txt\").unwrap()).unwrap()");
    write(&project.sandbox.path("name.txt"), file.to_str().unwrap());
    builds_after(&project, |_| write(&file, "two"));
}

#[requires(sccache)]
#[test]
fn a_file_with_a_fixed_name_among_temporary_ones_counts() {
    let value = "{ let file = env::temp_dir().join(\"token\"); \
        if !file.exists() { fs::write(&file, \"default\").unwrap(); } fs::read_to_string(file).unwrap() }";
    builds_after(&app(value), |outer| {
        write(&outer.join("tmp/token"), "edited");
    });
}

#[requires(sccache)]
#[test]
fn a_file_outside_of_the_checkout_is_written_each_time() {
    let project = app("{ fs::write(\"../../../made.txt\", \"made\").unwrap(); String::new() }");
    let main = project.main();
    main.cargo(&["build"]).ok();
    fs::remove_file(project.sandbox.path("made.txt")).unwrap();
    main.clean();
    main.cargo(&["build"]).ok();
    assert!(project.sandbox.path("made.txt").exists());
}

/// A script that finds something out by `value`, and then waits until the file `go` is there.
fn waiting(value: &str) -> Project {
    let wait = "{ fs::write(env::temp_dir().join(\"started\"), \"\").unwrap(); \
        while !env::temp_dir().join(\"go\").exists() { std::thread::sleep(std::time::Duration::from_millis(5)); } }";
    let (before, after) = if value.contains("LATER") {
        (wait, "")
    } else {
        ("", wait)
    };
    let value = value.replace("LATER", "");
    with_sdk_outside(&format!(
        "{{ {before} let found = {value}; {after} found }}"
    ))
}

#[rstest]
#[case::removed(
    "fs::read_to_string(\"data.txt\").unwrap_or_default()",
    |outer: &Path| fs::remove_file(outer.join("main/crates/app/data.txt")).unwrap()
)]
#[case::removed_after_it_was_looked_for(
    "Path::new(\"data.txt\").exists().to_string()",
    |outer: &Path| fs::remove_file(outer.join("main/crates/app/data.txt")).unwrap()
)]
#[case::a_directory_is_made(
    "Path::new(\"made\").exists().to_string()",
    |outer: &Path| fs::create_dir(outer.join("main/crates/app/made")).unwrap()
)]
#[case::a_link_leads_elsewhere(
    "fs::read_to_string(\"../../../sdk/current/name.txt\").unwrap()",
    |outer: &Path| lead(&outer.join("sdk/current"), "v2")
)]
#[requires(sccache)]
fn what_changes_during_the_run_counts(#[case] value: &str, #[case] change: fn(&Path)) {
    let project = waiting(&value.replace("Path::", "std::path::Path::"));
    let outer = project.sandbox.path("");
    // Links and directories that are made now are not taken for such that change during the run.
    thread::sleep(Duration::from_millis(100));
    thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("the script runs", || outer.join("tmp/started").exists());
            change(&outer);
            write(&outer.join("tmp/go"), "");
        });
        project.main().cargo(&["build"]).ok();
    });
    let main = project.main();
    main.clean();
    main.cargo(&["build"]).ok();
    says_the_same_uncached(&main);
}

#[requires(sccache)]
#[test]
fn what_a_variable_names_is_what_the_script_has_read() {
    let project = waiting("LATERfs::read_to_string(env::var(\"MY_FILE\").unwrap()).unwrap()");
    let file = project.sandbox.path("sdk/v1/name.txt");
    let main = || project.main().with("MY_FILE", file.to_str().unwrap());
    let edit = |text: &str| write(&file, text);
    thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("the script runs", || {
                project.sandbox.path("tmp/started").exists()
            });
            edit("edited");
            write(&project.sandbox.path("tmp/go"), "");
        });
        main().cargo(&["build"]).ok();
    });
    assert_eq!(main().says("app"), "edited\n");
    edit("v1");
    let main = main();
    main.clean();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "v1\n");
}

/// A process shares its memory with a child of `vfork`, but not its current directory.
#[cfg(target_os = "linux")]
#[requires(sccache)]
#[test]
fn a_program_reads_from_its_own_directory_after_it_started_one_in_another() {
    let project = app(&runs("./protoc", ""));
    let package = project.sandbox.path("main/crates/app");
    write(
        &package.join("protoc.c"),
        "#include <stdio.h>\n#include <sys/wait.h>\n#include <unistd.h>\n\
        int main(int count, char **words) {\n\
          if (count > 2) return 0;\n\
          char *again[] = {\"protoc\", \"a\", \"b\", NULL};\n\
          int child = vfork();\n\
          if (child == 0) { chdir(\"some\"); execv(\"../protoc\", again); _exit(1); }\n\
          wait(NULL);\n\
          char text[16] = {0};\n\
          FILE *file = fopen(\"data.txt\", \"r\");\n\
          fgets(text, sizeof text, file);\n\
          fputs(text, stdout);\n\
          return 0;\n\
        }\n",
    );
    let mut compiler = std::process::Command::new("cc");
    let compiler = compiler.current_dir(&package);
    let status = compiler.args(["-w", "-o", "protoc", "protoc.c"]).status();
    assert!(status.unwrap().success());
    project.commit(&project.sandbox.path("main"));
    builds_after(&project, |outer| {
        write(&outer.join("main/crates/app/data.txt"), "edited\n");
    });
}
