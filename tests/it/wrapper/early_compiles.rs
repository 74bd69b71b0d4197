//! Sources are new or were edited: the unit is compiled before it is known which ones it has.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use indoc::{formatdoc, indoc};
use rstest::rstest;
use serde_json::Value;

use super::command::said;
use super::environment::PROC_MACRO;
use super::project::{Built, Checkout, Project, succeeds};
use super::registry;

/// A program with a module.
fn project() -> Project {
    let main = "mod part;\nfn main() { println!(\"{}\", part::text()); }\n";
    let files = [("src/main.rs", main), ("src/part.rs", &says("first"))];
    let project = Project::new().with_store();
    project.package("app", "", &files).committed()
}

/// A program with the text that a macro `text!()` makes, whose body this is, and with other files.
fn project_with_macro(body: &str, files: &[(&str, &str)]) -> Project {
    let reads = format!(
        "use proc_macro::TokenStream;\n#[proc_macro] pub fn text(_: TokenStream) -> TokenStream {{ {body} }}\n"
    );
    let uses = "[dependencies]\nreads = { path = \"../reads\" }\n";
    let main = "fn main() { println!(\"{}\", reads::text!()); }\n";
    let files = [&[("src/main.rs", main)], files].concat();
    Project::new()
        .with_store()
        .package(
            "reads",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", &reads)],
        )
        .package("app", uses, &files)
        .committed()
}

/// Builds the program in two new worktrees, with either text that the file at `path` had in turn. Returns what cargo said in the
/// second one.
fn builds_of_either(
    project: &Project,
    path: &str,
    texts: [&str; 2],
    content: fn(&str) -> String,
) -> Built {
    let [_, last] = texts.map(|text| {
        let other = project.linked(text);
        other.write(path, &content(text));
        let out = other.cargo(&["build"]).ok();
        assert_eq!(other.says("app"), format!("{text}\n"));
        out
    });
    last
}

fn says(text: &str) -> String {
    format!("pub fn text() -> &'static str {{ {text:?} }}\n")
}

const PART: &str = "crates/app/src/part.rs";
const TEXT: &str = "crates/app/text";
const NOTE: &str = "crates/app/note";

/// Waits until the wrapper takes the file for one that was there before a compile that starts now.
fn wait_until_old(path: &Path) {
    let changed = fs::metadata(path).unwrap().ctime();
    let changed = UNIX_EPOCH + Duration::from_secs(changed.try_into().unwrap());
    while changed.elapsed().unwrap() < Duration::from_secs(8) {
        thread::sleep(Duration::from_millis(100));
    }
}

/// A checkout whose compiler runs a script first. In it, `$lists` is set when sources are listed, and `wait_for FILE` waits
/// for a file in `$dir`, which is returned as well.
fn with_compiler<'a>(checkout: &Checkout<'a>, script: &str) -> (Checkout<'a>, PathBuf) {
    let functions = "case \"$*\" in *--emit=dep-info\\ *) lists=1 ;; *) lists= ;; esac\n\
        wait_for() { for _ in $(seq 300); do [ -e \"$dir/$1\" ] && return; sleep 0.1; done; : > \"$dir/late\"; }\n";
    checkout.with_compiler_script(&format!("{functions}{script}"))
}

/// How often the compiler listed sources alone, and compiled the program. Expansions do not count.
const COUNTS: &str = "case \"$lists $*\" in\n\
    *print*|*unpretty*) ;;\n1*crate-name\\ app*) echo >> \"$dir/lists\" ;;\n*crate-name\\ app*) echo >> \"$dir/compiles\" ;;\nesac\n";

#[requires(sccache)]
#[rstest]
#[case::in_a_first_build(false)]
#[case::after_an_edit(true)]
fn the_compile_lists_its_sources(#[case] is_edited: bool) {
    let project = project();
    let script = format!("{COUNTS}exec \"$real\" \"$@\"\n");
    let (main, scripts) = with_compiler(&project.main(), &script);
    if is_edited {
        main.cargo(&["build"]).ok();
        fs::remove_file(scripts.join("compiles")).unwrap();
    }
    main.write(PART, &says("second"));
    main.cargo(&["build"]).ok().compiled(&["app bin"]);
    assert!(!scripts.join("lists").exists());
    assert_eq!(fs::read_to_string(scripts.join("compiles")).unwrap(), "\n");
    assert_eq!(main.says("app"), "second\n");
    // What was made is what another checkout with this source gets.
    let other = project.linked("other");
    other.write(PART, &says("second"));
    other.cargo(&["build"]).ok().all_hit();
    assert_eq!(other.says("app"), "second\n");
}

/// Macros are observed in the compile. A macro may ask for the path of a source, which is replaced there, so another compiler lists
/// the sources.
#[requires(sccache)]
#[rstest]
#[case::reads_nothing("\"second\"", false)]
#[case::reads_a_variable(
    "&std::env::var(\"CARGO_PKG_NAME\").map(|_| \"second\").unwrap()",
    false
)]
#[case::reads_a_file("&std::fs::read_to_string(\"note\").unwrap()", false)]
#[case::asks_for_the_source(
    "&std::fs::read_to_string(if proc_macro::Span::call_site().file().is_empty() { \"\" } else { \"note\" }).unwrap()",
    true
)]
fn the_compile_lists_the_sources_of_macros(#[case] value: &str, #[case] is_listed: bool) {
    let text = formatdoc! {r#"
        #[proc_macro]
        pub fn text(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{
            format!("{{:?}}", {value}).parse().unwrap()
        }}
    "#};
    let project = Project::new().with_store().file("note", "second");
    registry::package(&project, "textcrate", PROC_MACRO, &[("src/lib.rs", &text)]);
    registry::publish(&project, &["textcrate"]);
    let main = "fn main() { println!(\"{}\", textcrate::text!()); }\n";
    let uses = "[dependencies]\ntextcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", main)]);
    registry::lock(&project);
    let project = project.committed();
    let main = registry::with_home(&project, &project.main(), "cargo-home");
    let script = format!("{COUNTS}exec \"$real\" \"$@\"\n");
    let (main, scripts) = with_compiler(&main, &script);
    for source in [
        main.read("crates/app/src/main.rs"),
        format!("// edited\n{}", main.read("crates/app/src/main.rs")),
    ] {
        main.write("crates/app/src/main.rs", &source);
        main.cargo(&["build"]).ok();
        assert_eq!(main.says("app"), "second\n");
        assert_eq!(scripts.join("lists").exists(), is_listed);
        assert_eq!(fs::read_to_string(scripts.join("compiles")).unwrap(), "\n");
        fs::remove_file(scripts.join("compiles")).unwrap();
    }
    let other = registry::with_home(&project, &project.linked("other"), "cargo-home");
    other.write(
        "crates/app/src/main.rs",
        &main.read("crates/app/src/main.rs"),
    );
    other.cargo(&["build"]).ok().all_hit();
    assert_eq!(other.says("app"), "second\n");
}

/// A file that nobody expected among the sources may have been changed since the compiler read it, if it is new.
#[requires(sccache)]
#[rstest]
#[case::new(false)]
#[case::old(true)]
fn a_new_source_that_was_not_read_before_is_compiled_again(#[case] is_old: bool) {
    let project = project();
    let script = format!("{COUNTS}exec \"$real\" \"$@\"\n");
    let (main, scripts) = with_compiler(&project.main(), &script);
    let part = "pub fn text() -> &'static str { include_str!(\"../note\") }\n";
    main.write(PART, part);
    main.write(NOTE, "second");
    if is_old {
        wait_until_old(&main.path(NOTE));
    }
    main.cargo(&["build"]).ok();
    assert_eq!(
        fs::read_to_string(scripts.join("compiles")).unwrap(),
        if is_old { "\n" } else { "\n\n" }
    );
    assert_eq!(main.says("app"), "second\n");
    // From then on, it is expected.
    main.write(NOTE, "third");
    fs::remove_file(scripts.join("compiles")).unwrap();
    main.cargo(&["build"]).ok();
    assert_eq!(fs::read_to_string(scripts.join("compiles")).unwrap(), "\n");
    assert_eq!(main.says("app"), "third\n");
    assert!(!scripts.join("lists").exists());
}

/// An old file that nobody expected among the sources is changed between the compile that reads it and the list.
#[requires(sccache)]
#[rstest]
#[case::by_a_write("cp \"$dir/new\" crates/app/note")]
#[case::by_another_file("mv \"$dir/new\" crates/app/note")]
#[case::by_a_hard_link("ln -f \"$dir/new\" crates/app/note")]
#[case::by_another_directory("mv crates/app before; mv other crates/app")]
#[case::by_another_directory_where_the_time_is_set_back(
    "mv crates/app before; mv other crates/app; touch -d yesterday . crates"
)]
fn an_old_source_that_changes_meanwhile_is_not_taken_for_the_one_that_was_compiled(
    #[case] change: &str,
) {
    let project = project();
    let main = project.main();
    let part = "pub fn text() -> &'static str { include_str!(\"../note\") }\n";
    main.write(PART, part);
    main.write(NOTE, "second");
    succeeds(
        Command::new("cp")
            .args(["-r", "crates/app", "other"])
            .current_dir(main.path("")),
    );
    main.write("other/note", "third");
    project.commit(&main.path(""));
    // The compiler reads the sources, and is delayed before it announces their list.
    let script = format!(
        "case \"$*\" in\n*print*) ;;\n\
            *crate-name\\ app*)\n\
            if [ -e \"$dir/new\" ]; then \"$real\" \"$@\" 2> \"$dir/messages\"; status=$?; {change}; rm -f \"$dir/new\"; \
            cat \"$dir/messages\" >&2; exit $status; fi ;;\nesac\nexec \"$real\" \"$@\"\n"
    );
    let (main, scripts) = with_compiler(&main, &script);
    fs::write(scripts.join("new"), "third").unwrap();
    wait_until_old(&main.path("other/note"));
    wait_until_old(&scripts.join("new"));
    main.cargo(&["build", "-j2"]).ok();
    builds_of_either(&project, NOTE, ["second", "third"], str::to_owned);
}

/// Once to list the sources, and once with its own paths, for its messages.
#[requires(sccache)]
#[test]
fn an_error_before_the_list_is_found_twice() {
    let project = project();
    let script = format!("{COUNTS}exec \"$real\" \"$@\"\n");
    let (main, scripts) = with_compiler(&project.main(), &script);
    main.write(PART, "pub fn text( {\n");
    main.cargo(&["build"])
        .fails()
        .stderr_has("crates/app/src/part.rs:1");
    assert!(!scripts.join("lists").exists());
    let compiles = fs::read_to_string(scripts.join("compiles")).unwrap();
    assert_eq!(compiles, "\n\n");
    main.write(PART, &says("second"));
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "second\n");
}

/// rustc lists the sources without a module that is not there yet, and without what it could not write.
#[requires(sccache)]
#[rstest]
#[case::of_a_missing_module(true)]
#[case::on_a_full_disk(false)]
fn the_list_of_a_compile_that_fails_is_not_remembered(#[case] is_missing: bool) {
    let project = project();
    let writes_part = "out=$(echo \"$*\" | sed 's/.*--out-dir \\([^ ]*\\).*/\\1/')\n\
        extra=$(echo \"$*\" | sed 's/.*extra-filename=\\([^ ]*\\).*/\\1/')\n\
        echo \"$out/app$extra.d: crates/app/src/main.rs\" > \"$out/app$extra.d\"; exit 1\n";
    let script = format!(
        "case \"$*\" in\n*print*) ;;\n*crate-name\\ app*) if [ -e \"$dir/full\" ]; then {writes_part} fi ;;\nesac\nexec \"$real\" \"$@\"\n"
    );
    let (main, scripts) = with_compiler(&project.main(), &script);
    if is_missing {
        fs::remove_file(main.path(PART)).unwrap();
    } else {
        fs::write(scripts.join("full"), "").unwrap();
    }
    main.cargo(&["build"]).fails();
    let _ = fs::remove_file(scripts.join("full"));
    for (at, text) in ["second", "third"].iter().enumerate() {
        let (other, _) = with_compiler(&project.linked(&format!("other{at}")), &script);
        main.write(PART, &says(text));
        main.cargo(&["build"]).ok().compiled(&["app bin"]);
        other.write(PART, &says(text));
        other.cargo(&["build"]).ok().all_hit();
        for checkout in [&main, &other] {
            assert_eq!(checkout.says("app"), format!("{text}\n"));
        }
    }
}

/// The second build would be the first to know the key, and compile the unit again.
#[requires(sccache)]
#[test]
fn another_build_waits_for_the_list() {
    let project = project();
    let script = format!(
        "case \"$PWD $*\" in\n*print*) ;;\n\
            */main\\ *crate-name\\ app*) : > \"$dir/begun\"; sleep 3 ;;\nesac\n{COUNTS}exec \"$real\" \"$@\"\n"
    );
    let (main, scripts) = with_compiler(&project.main(), &script);
    let (other, _) = with_compiler(&project.linked("other"), &script);
    let first = main.started(&["build", "-j2"]);
    while !scripts.join("begun").exists() {
        thread::sleep(Duration::from_millis(20));
    }
    other.cargo(&["build", "-j2"]).ok();
    assert!(first.wait_with_output().unwrap().status.success());
    assert_eq!(fs::read_to_string(scripts.join("compiles")).unwrap(), "\n");
    for checkout in [main, other] {
        assert_eq!(checkout.says("app"), "first\n");
    }
}

/// The compiler has read another source than the wrapper.
#[requires(sccache)]
#[rstest]
#[case::in_a_first_build(false, true)]
#[case::after_an_edit(true, true)]
#[case::after_the_compile_of_a_first_build(false, false)]
#[case::after_the_compile_of_an_edit(true, false)]
fn a_source_that_changes_meanwhile_is_not_taken_for_the_one_that_was_compiled(
    #[case] is_edited: bool,
    #[case] is_before: bool,
) {
    let project = project();
    let change = "if [ -e \"$dir/new\" ]; then cp \"$dir/new\" crates/app/src/part.rs; fi";
    let (before, behind) = if is_before {
        (change, ":")
    } else {
        (":", change)
    };
    let script = format!(
        "case \"$*\" in\n*print*) ;;\n\
            *crate-name\\ app*) {before}; \"$real\" \"$@\" || exit; {behind}; exit ;;\nesac\nexec \"$real\" \"$@\"\n"
    );
    let (main, scripts) = with_compiler(&project.main(), &script);
    if is_edited {
        main.cargo(&["build", "-j2"]).ok();
    }
    fs::write(scripts.join("new"), says("third")).unwrap();
    main.write(PART, &says("second"));
    main.cargo(&["build", "-j2"]).ok();
    fs::remove_file(scripts.join("new")).unwrap();
    builds_of_either(&project, PART, ["second", "third"], says);
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "third\n");
}

/// A macro has read another file than the one that is there once the sources are listed. An older one may be moved there.
#[requires(sccache)]
#[rstest]
#[case::by_a_write(|directory: &Path| fs::write(directory.join("now/text"), "second").unwrap())]
#[case::by_another_link(|directory: &Path| {
    symlink("other", directory.join("new")).unwrap();
    fs::rename(directory.join("new"), directory.join("link")).unwrap();
})]
#[case::by_another_directory(|directory: &Path| {
    fs::rename(directory.join("now"), directory.join("old")).unwrap();
    fs::rename(directory.join("other"), directory.join("now")).unwrap();
})]
fn a_file_that_changes_after_a_macro_read_it_is_not_taken_for_the_one_that_was_compiled(
    #[case] change: fn(&Path),
) {
    let body = indoc! {r#"
        let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
        let text = std::fs::read_to_string(directory.clone() + "/link/text").unwrap();
        if std::path::Path::new(&(directory + "/slow")).exists() {
            std::thread::sleep(std::time::Duration::from_secs(2));
        }
        format!("{text:?}").parse().unwrap()
    "#};
    let files = [
        ("now/text", "first"),
        ("other/text", "second"),
        ("slow", ""),
    ];
    let project = project_with_macro(body, &files);
    let main = project.main();
    symlink("now", main.path("crates/app/link")).unwrap();
    project.commit(&main.path(""));
    main.cargo(&["build", "-p", "reads"]).ok();
    let build = main.started(&["build"]);
    thread::sleep(Duration::from_secs(1));
    change(&main.path("crates/app"));
    assert!(build.wait_with_output().unwrap().status.success());
    builds_of_either(
        &project,
        "crates/app/now/text",
        ["first", "second"],
        str::to_owned,
    );
    main.clean();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "second\n");
}

/// The same where the second compiler that lists the sources is late.
#[requires(sccache)]
#[test]
fn a_file_of_a_macro_that_changes_before_the_list_is_not_taken_for_the_one_that_was_compiled() {
    let body = "let path = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap() + \"/text\"; format!(\"{:?}\", std::fs::read_to_string(path).unwrap()).parse().unwrap()";
    let project = project_with_macro(body, &[("text", "first")]);
    let script = "case \"$lists $*\" in\n\
        1*crate-name\\ app*) wait_for compiled; wait_for changed ;;\n\
        *crate-name\\ app*) \"$real\" \"$@\" || exit; : > \"$dir/compiled\"; exit ;;\nesac\n";
    let (main, scripts) = with_compiler(&project.main(), script);
    let build = main.started(&["build", "-j2"]);
    while !scripts.join("compiled").exists() {
        thread::sleep(Duration::from_millis(20));
    }
    main.write(TEXT, "second");
    fs::write(scripts.join("changed"), "").unwrap();
    assert!(build.wait_with_output().unwrap().status.success());
    assert!(!scripts.join("late").exists());
    builds_of_either(&project, TEXT, ["first", "second"], str::to_owned);
}

/// Not all that the compiler reads is known beforehand, or the key turns out to be another one.
#[requires(sccache)]
#[rstest]
#[case::a_new_module("mod more;\npub fn text() -> &'static str { more::TEXT }\n", &[("crates/app/src/part/more.rs", "pub const TEXT: &str = \"second\";\n")])]
#[case::a_new_file("pub fn text() -> &'static str { include_str!(\"more.txt\") }\n", &[("crates/app/src/more.txt", "second")])]
#[case::a_path("pub fn text() -> &'static str { if env!(\"CARGO_MANIFEST_DIR\").len() > 3 { \"second\" } else { \"\" } }\n", &[])]
#[case::an_error_that_is_mended("pub fn text() -> &'static str { \"second\" }\n", &[])]
fn what_is_new_is_right_everywhere(#[case] part: &str, #[case] more: &[(&str, &str)]) {
    let project = project();
    let main = project.main();
    main.cargo(&["build", "-j2"]).ok();
    main.write(PART, "pub fn text() -> &'static str { missing }\n");
    main.cargo(&["build", "-j2"]).fails().stderr_has("missing");
    for checkout in [main, project.linked("deeper/other")] {
        for (path, text) in more {
            checkout.write(path, text);
        }
        checkout.write(PART, part);
        checkout.cargo(&["build", "-j2"]).ok();
        assert_eq!(checkout.says("app"), "second\n");
    }
}

/// Files that are not expected to be sources.
#[requires(sccache)]
#[test]
fn sources_outside_of_the_workspace_are_compiled_unchanged() {
    let main = "#[path = \"../../shared.rs\"] mod shared;\nfn main() { println!(\"{}{}\", shared::text(), include_str!(\"../note\")); }\n";
    let project = Project::new().with_store();
    let project = project.package("app", "", &[("src/main.rs", main), ("note", "1")]);
    let project = project.file("crates/shared.rs", &says("first")).committed();
    let main = project.main();
    main.cargo(&["build", "-j2"]).ok();
    assert_eq!(main.says("app"), "first1\n");
    let other = project.linked("other");
    other.cargo(&["build", "-j2"]).ok().all_hit();
    other.write("crates/shared.rs", &says("second"));
    other.write("crates/app/note", "2");
    other.cargo(&["build", "-j2"]).ok();
    assert_eq!(other.says("app"), "second2\n");
}

/// Not only what is left of it once it has listed its sources.
#[requires(sccache)]
#[test]
fn a_hit_saves_the_whole_compile() {
    let project = project();
    let script = "case \"$*\" in\n*print*) ;;\n*crate-name\\ app*) sleep 1 ;;\nesac\nexec \"$real\" \"$@\"\n";
    let (main, _) = with_compiler(&project.main(), script);
    main.cargo(&["build"]).ok();
    let (other, _) = with_compiler(&project.linked("other"), script);
    other.cargo(&["build"]).ok().all_hit();
    let report: Value = serde_json::from_str(&said(&other, &["report", "--json"])).unwrap();
    let saved = report["times"]["saved"].as_u64().unwrap();
    assert!(saved >= 1000, "{saved} ms");
}
