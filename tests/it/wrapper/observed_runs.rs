//! What a published build script reads or runs, although no text and no variable names it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rstest::rstest;

use super::build_scripts::{
    DECLARES_ITSELF, app, app_of, out_dir, put_together, saying, take_runs,
};
use super::command::said;
use super::out_dir::says_the_same_uncached;
use super::project::succeeds;
use super::registry::unpacked;
use crate::support::wait_until;

/// The text of the file `settings` in the nearest directory upwards.
const LOOKS_UPWARDS: &str = "{ println!(\"cargo::rerun-if-changed=build.rs\"); \
    std::path::Path::new(&out).ancestors().find_map(|directory| fs::read_to_string(directory.join(\"settings\")).ok()).unwrap_or_default() }";

#[requires(sccache)]
#[test]
fn a_file_in_a_parent_directory_is_that_of_this_checkout() {
    let project = app(&saying(LOOKS_UPWARDS)).committed();
    project.main().cargo(&["build"]).ok();
    let beside = project.linked("beside");
    beside.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1, "a checkout beside it hits");
    let other = project.linked("other");
    other.write("settings", "of other");
    other.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&other).contains("of other"));
    let below = project.linked("a/b/below");
    below.write("../settings", "of a directory around it");
    below.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&below).contains("around it"));
}

#[requires(sccache)]
#[test]
fn a_file_several_directories_up_is_that_of_this_checkout() {
    let value = "fs::read_to_string(std::path::Path::new(&out).ancestors().nth(6).unwrap().join(\"settings\")).unwrap_or_default()";
    let project = app(&saying(value)).committed();
    project.main().cargo(&["build"]).ok();
    project.linked("a/b/second").cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1, "another checkout hits");
    let below = project.linked("a/c/below");
    below.write("../settings", "of a directory around it");
    below.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&below).contains("around it"));
}

/// `PLACE` is an expression for the directory, put together.
#[rstest]
#[requires(sccache)]
#[case::read("fs::read_to_string(PLACE.join(\"file\")).unwrap_or_default()")]
#[case::looked_for("PLACE.join(\"file\").exists().to_string()")]
#[case::listed(
    "fs::read_dir(PLACE).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<String>()"
)]
#[case::listed_behind_a_parent(
    "fs::read_dir(PLACE.join(\"sub/..\")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).max().unwrap()"
)]
#[case::in_a_directory_that_it_makes_if_needed(
    "{ fs::create_dir_all(PLACE).unwrap(); fs::read_to_string(PLACE.join(\"file\")).unwrap_or_default() }"
)]
#[case::by_another_name_of_it(
    "{ let _ = fs::remove_file(format!(\"{out}/x\")); let _ = fs::hard_link(PLACE.join(\"file\"), format!(\"{out}/x\")); fs::read_to_string(format!(\"{out}/x\")).unwrap_or_default() }"
)]
#[case::by_a_pattern(
    "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"echo *i*e*\"]).current_dir(PLACE).output().unwrap().stdout).unwrap()"
)]
#[case::by_the_c_compiler(
    "{ let uses = format!(\"{out}/uses.h\"); fs::write(&uses, \"#if __has_include(<file>)\\n#include <file>\\n#endif\\n\").unwrap(); \
    String::from_utf8(std::process::Command::new(\"cc\").arg(\"-I\").arg(PLACE).args([\"-E\", \"-P\", \"-xc\", &uses]).output().unwrap().stdout).unwrap() }"
)]
#[case::by_a_shell(
    "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"if test -e file; then cat file; else echo none; fi\"]).current_dir(PLACE).output().unwrap().stdout).unwrap()"
)]
#[case::by_a_program_with_address_sanitizer(
    "{ let (source, program) = (format!(\"{out}/reads.c\"), format!(\"{out}/reads\")); \
    fs::write(&source, \"#include <stdio.h>\\nint main(int count, char **names) { FILE *file = fopen(names[1], \\\"r\\\"); \
    for (int read; file && (read = fgetc(file)) != EOF;) putchar(read); return 0; }\").unwrap(); \
    let made = std::process::Command::new(\"cc\").args([\"-fsanitize=address\", &source, \"-o\", &program]).status().unwrap(); \
    let mut reads = std::process::Command::new(&program); reads.arg(PLACE.join(\"file\")).env(\"ASAN_OPTIONS\", \"detect_leaks=0\"); \
    let ran = reads.output().unwrap(); assert!(made.success() && ran.status.success(), \"{ran:?}\"); \
    fs::remove_file(&program).unwrap(); String::from_utf8(ran.stdout).unwrap() }"
)]
#[case::from_there_after_another_directory(
    "{ let _ = fs::read(\"Cargo.toml\"); env::set_current_dir(PLACE.join(\"sub\")).unwrap(); let _ = fs::read(\"none\"); \
    env::set_current_dir(\"..\").unwrap(); fs::read_to_string(\"file\").unwrap_or_default() }"
)]
#[case::by_a_shell_that_changes_its_directory(
    "String::from_utf8(std::process::Command::new(\"sh\").arg(\"-c\").arg(format!(\"test -e none; cd {:?}; test -e none; cd ..; if test -e file; then cat file; else echo none; fi\", PLACE.join(\"sub\"))).output().unwrap().stdout).unwrap()"
)]
#[case::by_a_script_that_lists_all_variables(
    "{ assert!(env::vars().all(|(name, _)| name != \"LD_PRELOAD\")); fs::read_to_string(PLACE.join(\"file\")).unwrap_or_default() }"
)]
#[case::by_a_shell_of_a_script_that_lists_all_variables(
    "{ let all: Vec<_> = env::vars().collect(); let mut shell = std::process::Command::new(\"/bin/sh\"); \
    shell.args([\"-c\", \"if test -e file; then /bin/cat file; else echo none; fi\"]).current_dir(PLACE).env_clear().envs(all); \
    String::from_utf8(shell.output().unwrap().stdout).unwrap() }"
)]
fn a_file_whose_path_is_computed_counts(#[case] value: &str) {
    let project = app_of(|sandbox| {
        let outside = sandbox.path("elsewhere/outside");
        fs::create_dir_all(outside.join("sub")).unwrap();
        let value = value.replace("PLACE", &put_together(&outside));
        saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))
    });
    let project = project.committed();
    project.main().cargo(&["build"]).ok();
    project.linked("same").cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1, "the second checkout hits");
    for (checkout, text) in [("appeared", "one"), ("changed", "two")] {
        project.sandbox.write("elsewhere/outside/file", text);
        let checkout = project.linked(checkout);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// The directory of the checkout, which a script of a registry package finds from its `OUT_DIR`.
const CHECKOUT: &str = "std::path::Path::new(&out).ancestors().find(|directory| directory.join(\"Cargo.lock\").exists()).unwrap().display().to_string()";

#[rstest]
#[requires(sccache)]
#[case::in_a_text("CHECKOUT")]
#[case::printed("{ println!(\"cargo::rustc-env=ROOT={}\", CHECKOUT); String::new() }")]
#[case::in_a_file_that_is_no_text(
    "{ fs::write(format!(\"{out}/data\"), format!(\"\\0{}\\0\", CHECKOUT)).unwrap(); String::new() }"
)]
#[case::in_a_large_file(
    "{ fs::write(format!(\"{out}/data\"), format!(\"{}{}/\", \" \".repeat(200_000), CHECKOUT)).unwrap(); String::new() }"
)]
#[case::in_a_link(
    "{ let _ = std::os::unix::fs::symlink(CHECKOUT, format!(\"{out}/link\")); String::new() }"
)]
fn the_directory_of_the_checkout_is_this_one(#[case] value: &str) {
    let project = app(&saying(&value.replace("CHECKOUT", CHECKOUT))).committed();
    let [main, second] = [project.main(), project.linked("second")];
    for checkout in [&main, &second] {
        checkout.cargo(&["build"]).ok();
        let out_dir = out_dir(checkout);
        let link = fs::read_link(out_dir.join("link")).unwrap_or_default();
        let files = ["g.rs", "data", "../output"].map(|name| out_dir.join(name));
        let said = files
            .map(|file| fs::read(file).unwrap_or_default())
            .concat();
        let said = format!("{}{}", link.display(), String::from_utf8_lossy(&said));
        assert!(said.contains(checkout.text()));
        let other = if checkout.text() == main.text() {
            &second
        } else {
            &main
        };
        assert!(!said.contains(other.text()), "{said}");
        says_the_same_uncached(checkout);
    }
}

#[requires(sccache)]
#[test]
fn a_run_whose_output_has_the_path_of_the_checkout_is_stored_for_that_path() {
    let project = app(&saying(CHECKOUT)).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    fs::remove_dir_all(main.path("target")).unwrap();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
}

#[requires(sccache)]
#[test]
fn a_file_that_appears_after_it_was_looked_for_counts() {
    let project = app_of(|sandbox| {
        let [file, asked] = ["appears", "asked"].map(|name| put_together(&sandbox.path(name)));
        saying(&format!(
            "{{ let is_there = {file}.exists(); fs::write({asked}, \"\").unwrap(); \
            while !{file}.exists() {{ std::thread::sleep(std::time::Duration::from_millis(10)); }} is_there.to_string() }}"
        ))
    });
    let project = project.committed();
    let [asked, file] = ["asked", "appears"].map(|name| project.sandbox.path(name));
    let appears = std::thread::spawn(move || {
        wait_until("the script has asked", || asked.exists());
        fs::write(file, "").unwrap();
    });
    let main = project.main();
    main.cargo(&["build"]).ok();
    appears.join().unwrap();
    assert_eq!(main.says("app"), "false\n", "it appeared afterwards");
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&second), "true\n");
}

/// As by a `cargo clean` that is interrupted. The script waits until the file is removed, two seconds at most.
#[requires(sccache)]
#[test]
fn a_run_is_not_stored_if_something_else_removes_its_files() {
    let script = "{ println!(\"cargo::rerun-if-changed=build.rs\");
        for name in [\"scratch\", \"part\", \"last\"] { fs::write(format!(\"{out}/{name}\"), \"text\").unwrap(); }
        fs::remove_file(format!(\"{out}/scratch\")).unwrap();
        for _ in 0..200 {
            if !std::path::Path::new(&format!(\"{out}/part\")).exists() { break; }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        \"said\".to_owned() }";
    let project = app(&saying(script)).committed();
    let main = project.main();
    let build = main.path("target/debug/build");
    let removes = std::thread::spawn(move || {
        let written = || {
            let scripts = fs::read_dir(&build).into_iter().flatten();
            let mut made = scripts.map(|script| script.unwrap().path().join("out"));
            made.find(|out| out.join("last").exists() && !out.join("scratch").exists())
        };
        wait_until("the script has written its files", || written().is_some());
        fs::remove_file(written().unwrap().join("part")).unwrap();
    });
    main.cargo(&["build"]).ok();
    removes.join().unwrap();
    let why = said(&main, &["report"]);
    let reason = "something else removed files that it wrote to its OUT_DIR";
    assert!(why.contains(reason), "{why}");
    for (place, runs) in [("second", 2), ("third", 0)] {
        let checkout = project.linked(place);
        checkout.cargo(&["build"]).ok();
        assert!(out_dir(&checkout).join("part").exists(), "{place}");
        assert_eq!(take_runs(&project), runs, "{place}");
    }
}

#[requires(sccache)]
#[test]
fn where_a_link_outside_leads_counts() {
    let project = app_of(|sandbox| {
        let link = put_together(&sandbox.path("elsewhere/link"));
        saying(&format!(
            "fs::read({link}).map_or(0, |read| read.len()).to_string()"
        ))
    });
    let project = project.committed();
    let link = project.sandbox.path("elsewhere/link");
    fs::create_dir(link.parent().unwrap()).unwrap();
    let says = |checkout: &str, leads_to: &str| {
        let _ = fs::remove_file(&link);
        symlink(leads_to, &link).unwrap();
        let checkout = project.linked(checkout);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout)
    };
    assert_ne!(says("one", "/usr/bin/env"), says("two", "/usr/bin/xargs"));
}

/// What it found before is not known any more, and what is not observed cannot be.
#[rstest]
#[requires(sccache)]
#[case::counts(
    "{ let file = PLACE; let runs = fs::read_to_string(&file).unwrap_or_default() + \"+\"; fs::write(&file, &runs).unwrap(); runs }",
    "a file that it may read changed while it ran"
)]
#[case::clears_the_environment(
    "String::from_utf8(std::process::Command::new(\"/bin/cat\").arg(PLACE).env_clear().output().unwrap().stdout).unwrap()",
    "could not be observed"
)]
#[case::takes_the_observer_out_of_the_environment(
    "String::from_utf8(std::process::Command::new(\"/bin/cat\").arg(PLACE).env_remove(\"LD_PRELOAD\").output().unwrap().stdout).unwrap()",
    "could not be observed"
)]
#[case::preloads_another_library(
    "String::from_utf8(std::process::Command::new(\"/bin/cat\").arg(PLACE).env(\"LD_PRELOAD\", \"/none/other.so\").output().unwrap().stdout).unwrap()",
    "could not be observed"
)]
#[case::runs_a_shell_script_that_preloads_nothing(
    "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"unset LD_PRELOAD; cat \\\"$0\\\"\"]).arg(PLACE).output().unwrap().stdout).unwrap()",
    "could not be observed"
)]
#[case::changes_its_own_environment(
    "{ unsafe { env::remove_var(\"LD_PRELOAD\") }; String::from_utf8(std::process::Command::new(\"/bin/cat\").arg(PLACE).output().unwrap().stdout).unwrap() }",
    "could not be observed"
)]
fn a_script_whose_inputs_are_not_known_runs_each_time(#[case] value: &str, #[case] why: &str) {
    let project = app_of(|sandbox| {
        let place = put_together(&sandbox.path("state"));
        saying(&value.replace("PLACE", &place))
    });
    let project = project.committed();
    project.main().cargo(&["build"]).ok();
    let explained = said(&project.main(), &["wrapper", "explain", "published"]);
    assert!(explained.contains(why), "{explained}");
    project.linked("second").cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 2);
}

/// musl's has fewer functions than the observer knows.
#[requires(sccache, musl_gcc)]
#[test]
fn a_program_with_another_c_library_runs() {
    let value =
        "String::from_utf8(std::process::Command::new(PLACE).output().unwrap().stdout).unwrap()";
    let project = app_of(|sandbox| {
        let place = put_together(&sandbox.path("tool"));
        saying(&value.replace("PLACE", &place))
    });
    let project = project.committed();
    let source = "#include <stdio.h>\nint main(void) { puts(\"of musl\"); }\n";
    project.sandbox.write("tool.c", source);
    let mut make = std::process::Command::new("musl-gcc");
    make.current_dir(project.sandbox.path(""));
    succeeds(make.args(["tool.c", "-o", "tool"]));
    project.main().cargo(&["build"]).ok();
    assert!(project.main().says("app").contains("of musl"));
}

/// A data file next to the programs, and something that is no file.
#[requires(sccache)]
#[test]
fn what_is_in_directories_of_programs_counts_by_its_content() {
    let project = app_of(|sandbox| {
        let [data, fifo] =
            ["tools/settings", "tools/fifo"].map(|name| put_together(&sandbox.path(name)));
        saying(&format!(
            "format!(\"{{:?}} {{}}\", fs::read_to_string({data}), {fifo}.exists())"
        ))
    });
    let project = project.committed();
    let tools = project.sandbox.path("tools");
    fs::create_dir(&tools).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(tools.join("fifo"))
        .status();
    assert!(fifo.unwrap().success());
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let build = |checkout: &str| {
        let checkout = project.linked(checkout).with("PATH", &path);
        checkout.cargo(&["build"]).ok();
        checkout.says("app")
    };
    build("first");
    assert!(build("second").contains("Err"));
    assert_eq!(take_runs(&project), 1);
    project.sandbox.write("tools/settings", "of the tool");
    assert!(build("third").contains("of the tool"));
}

#[requires(sccache)]
#[test]
fn a_program_whose_name_is_computed_counts() {
    let value = "String::from_utf8(std::process::Command::new(format!(\"app{}tool\", '-')).output().unwrap().stdout).unwrap()";
    let project = app(&saying(value)).committed();
    let tool = |directory: &str, says: &str| {
        let name = format!("{directory}/app-tool");
        project
            .sandbox
            .write(&name, &format!("#!/bin/sh\necho {says}\n"));
        let file = project.sandbox.path(&name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let [first, second] = ["first", "second"].map(|name| project.sandbox.path(name));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{}:{path}", first.display(), second.display());
    let says = |checkout: &str| {
        let checkout = project.linked(checkout).with("PATH", &path);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout)
    };
    tool("second", "one");
    assert_eq!(says("a"), "one\n\n");
    assert_eq!(says("same"), "one\n\n");
    assert_eq!(take_runs(&project), 3, "one, and those without the cache");
    tool("second", "another");
    assert_eq!(says("b"), "another\n\n");
    tool("first", "in front");
    assert_eq!(says("c"), "in front\n\n");
}

#[requires(sccache)]
#[test]
fn a_script_that_connects_runs_each_time() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let value = format!(
        "std::process::Command::new(\"bash\").args([\"-c\", &[\"exec 3<>/de\", \"v/tcp/127.0.0.1/{port}\"].concat()]).status().unwrap().to_string()"
    );
    let project = app(&saying(&value)).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let explained = said(&main, &["wrapper", "explain", "published"]);
    assert!(
        explained.contains("it may connect to another machine"),
        "{explained}"
    );
    project.linked("second").cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 2);
}

/// As libclang does, for the canonical path of a file that it has opened. In the wrapper, other files have these numbers, such as
/// a lock of the store.
#[requires(sccache)]
#[test]
fn what_its_own_descriptors_are_is_no_input() {
    let value = "{ let file = fs::File::open(\"Cargo.toml\").unwrap(); \
        let all = std::path::Path::new(\"/\").join([\"proc\", \"self\", \"fd\"].join(\"/\")); \
        let links = (3..32).filter_map(|fd| fs::read_link(all.join(fd.to_string())).ok()); \
        let is_there = links.filter(|link| link.ends_with(\"Cargo.toml\")).count() > 0; \
        drop(file); is_there.to_string() }";
    let project = app(&saying(value)).committed();
    let store = project.sandbox.path("store");
    project
        .sandbox
        .sccfg(&["config", "set", "store.dir", store.to_str().unwrap()])
        .status(0);
    project.main().cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    for place in ["second", "a/b/third"] {
        let linked = project.linked(place);
        linked.cargo(&["build"]).ok();
        assert_eq!(take_runs(&project), 0, "{place}");
        assert_eq!(linked.says("app"), "true\n");
    }
}

/// bash looks whether there is the directory in which the shell was before.
#[requires(sccache)]
#[test]
fn the_previous_directory_of_the_shell_is_no_input() {
    let value = "{ println!(\"cargo::rerun-if-changed=build.rs\"); \
        String::from_utf8(std::process::Command::new(\"bash\").args([\"-c\", \"echo said\"]).output().unwrap().stdout).unwrap() }";
    let project = app(&saying(value)).committed();
    for (place, previous, runs) in [("first", "one", 1), ("a/b/second", "two", 0)] {
        let previous = project.sandbox.path(previous);
        fs::create_dir(&previous).unwrap();
        let checkout = project.linked(place);
        let checkout = checkout.with("OLDPWD", previous.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
        assert_eq!(take_runs(&project), runs, "{place}");
        fs::remove_dir(&previous).unwrap();
    }
}

/// A shell may have opened it, which no note of the script's run says.
#[requires(sccache)]
#[test]
fn what_a_script_reads_by_a_descriptor_of_the_shell_counts() {
    let value = "{ println!(\"cargo::rerun-if-changed=build.rs\"); \
        fs::read_to_string(std::path::Path::new(&[\"\", \"dev\", \"fd\", \"9\"].join(\"/\"))).unwrap() }";
    let project = app(&saying(value)).committed();
    let text = project.sandbox.path("text");
    for (place, said) in [("first", "one"), ("second", "two")] {
        fs::write(&text, said).unwrap();
        let checkout = project.linked(place);
        let line = format!("exec cargo build --offline 9<'{}'", text.display());
        succeeds(checkout.command("sh").args(["-c", &line]));
        assert_eq!(checkout.says("app"), format!("{said}\n"));
    }
}

/// Shells give the lowest descriptors a meaning by number.
#[requires(sccache)]
#[test]
fn a_script_with_its_own_descriptors_writes_the_same_as_uncached() {
    let code = "exec 3>three 4>&3 5>five; echo three >&4; echo five >&5; cat three five";
    let value = format!(
        "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", {code:?}]).current_dir(&out).output().unwrap().stdout).unwrap()"
    );
    let project = app(&saying(&value)).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(says_the_same_uncached(&main), "three\nfive\n\n");
}

/// What is directly in the directory of a registry is of no package.
#[requires(sccache)]
#[test]
fn a_file_beside_the_packages_of_a_registry_counts() {
    let value = "fs::read_to_string(\"../note\").unwrap_or_default()";
    let project = app(&saying(value)).committed();
    project.main().cargo(&["build"]).ok();
    let unpacked = unpacked(&project.sandbox.path("cargo-home"));
    fs::write(unpacked.join("note"), "noted").unwrap();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&second).contains("noted"));
}

/// Where programs have their settings counts if it is asked for.
#[rstest]
#[requires(sccache)]
#[case::by_git(
    "String::from_utf8(std::process::Command::new(\"git\").args([\"config\", \"--get\", \"x.y\"]).output().unwrap().stdout).unwrap()"
)]
#[case::by_a_name_that_is_put_together(
    "fs::read_to_string(format!(\"{}/git/config\", env::var(format!(\"XDG_{}_HOME\", \"CONFIG\")).unwrap())).unwrap()"
)]
#[case::in_a_list("env::vars().filter(|(name, _)| name.starts_with(\"XDG_C\")).last().unwrap().1")]
fn a_directory_of_the_user_counts_if_it_is_asked_for(#[case] value: &str) {
    let project = app(&saying(value)).committed();
    for nth in ["one", "two"] {
        let settings = format!("settings-{nth}");
        project.sandbox.write(
            &format!("{settings}/git/config"),
            &format!("[x]\n\ty = {nth}\n"),
        );
        let settings = project.sandbox.path(&settings);
        let checkout = project.linked(nth);
        let checkout = checkout.with("XDG_CONFIG_HOME", settings.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
        assert!(says_the_same_uncached(&checkout).contains(nth));
    }
    take_runs(&project);
    let none = app(&saying("\"nothing\"")).committed();
    for nth in ["one", "two"] {
        let settings = none.sandbox.path(nth);
        let checkout = none.linked(nth);
        let checkout = checkout.with("XDG_CONFIG_HOME", settings.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
    }
    assert_eq!(take_runs(&none), 1, "who does not ask hits");
}

/// It is linked statically, so the observer is not in it, but in what it starts.
#[cfg(target_env = "gnu")]
#[requires(sccache)]
#[test]
fn a_script_without_a_dynamic_linker_runs_each_time() {
    let value = "{ let shell = std::process::Command::new(\"sh\").args([\"-c\", \"exit 0\"]).status(); \
        let listed = env::vars().any(|(name, _)| name == \"LD_PRELOAD\"); format!(\"{} {listed}\", shell.unwrap()) }";
    let project = app(&saying(value)).committed();
    for place in ["first", "second"] {
        let checkout = project.linked(place);
        let checkout = checkout.with("RUSTFLAGS", "-C target-feature=+crt-static");
        checkout.cargo(&["build"]).ok();
        assert_eq!(take_runs(&project), 1);
    }
}

#[requires(sccache)]
#[test]
fn a_script_that_starts_itself_sees_no_variable_of_the_observer() {
    let value = "{ let list = || { let mut all: Vec<_> = env::vars().map(|(name, _)| name).filter(|name| name.starts_with(\"LD_\") || name.starts_with(\"SCCFG_\")).collect(); all.sort(); all.join(\" \") }; \
        if env::args().count() > 1 { print!(\"{}\", list()); return; } \
        let own = std::process::Command::new(env::args().next().unwrap()).arg(\"again\").output().unwrap(); \
        format!(\"{} and {}\", list(), String::from_utf8(own.stdout).unwrap()) }";
    let project = app(&saying(value)).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let said = main.says("app");
    assert!(said.contains("LD_LIBRARY_PATH"), "{said}");
    for hidden in ["LD_PRELOAD", "SCCFG_OBSERVED", "SCCFG_HIDES"] {
        assert!(!said.contains(hidden), "{said}");
    }
}

/// What a shell and its program say on standard error, once they are told to go on.
const SAYS_LATER: &str = "{ fs::write(format!(\"{out}/started\"), \"\").unwrap(); \
    while !std::path::Path::new(&out).join(\"go\").exists() { std::thread::sleep(std::time::Duration::from_millis(10)); } \
    fs::remove_file(format!(\"{out}/go\")).unwrap(); \
    String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"cat /dev/null; exec cat /dev/null\"]).output().unwrap().stderr).unwrap() }";

/// `cc` takes a flag for one that is not supported if the compiler says anything.
#[requires(sccache)]
#[test]
fn a_script_does_not_notice_that_the_state_directory_is_removed() {
    let project = app(&saying(SAYS_LATER)).committed();
    let main = project.main();
    let cargo = main.started(&["build"]);
    let started = || {
        let build = fs::read_dir(main.path("target/debug/build"));
        let directories = build.into_iter().flatten().flatten();
        let mut outs = directories.map(|entry| entry.path().join("out"));
        outs.find(|out| out.join("started").exists())
    };
    wait_until("the script has started", || started().is_some());
    fs::remove_dir_all(project.sandbox.path("home/.cache/sccfg")).unwrap();
    fs::write(started().unwrap().join("go"), "").unwrap();
    let output = cargo.wait_with_output().unwrap();
    main.outcome(&["build"], &output).ok();
    assert_eq!(main.says("app"), "\n");
    // Nobody saw what the shell read.
    assert_eq!(take_runs(&project), 1);
}
