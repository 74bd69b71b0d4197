//! A source was edited: the unit is compiled while its sources are listed.

use std::fs;
use std::path::PathBuf;

use rstest::rstest;

use super::project::{Checkout, Project};

/// A program with a module.
fn project() -> Project {
    let main = "mod part;\nfn main() { println!(\"{}\", part::text()); }\n";
    let files = [("src/main.rs", main), ("src/part.rs", &says("first"))];
    let project = Project::new().with_store();
    project.package("app", "", &files).committed()
}

fn says(text: &str) -> String {
    format!("pub fn text() -> &'static str {{ {text:?} }}\n")
}

const PART: &str = "crates/app/src/part.rs";

/// A checkout whose compiler runs a script first. In it, `$lists` is set when sources are listed, and `wait_for FILE` waits
/// for a file in `$dir`, which is returned as well.
fn with_compiler<'a>(checkout: &Checkout<'a>, script: &str) -> (Checkout<'a>, PathBuf) {
    let functions = "case \"$*\" in *--emit=dep-info\\ *) lists=1 ;; *) lists= ;; esac\n\
        wait_for() { for _ in $(seq 300); do [ -e \"$dir/$1\" ] && return; sleep 0.1; done; : > \"$dir/late\"; }\n";
    checkout.with_compiler_script(&format!("{functions}{script}"))
}

#[requires(sccache)]
#[test]
fn the_compile_does_not_wait_for_the_list() {
    let project = project();
    let script = "case \"$lists $*\" in\n\
        1*) [ ! -e \"$dir/edited\" ] || wait_for compiling ;;\n\
        *crate-name\\ app*) : > \"$dir/compiling\" ;;\nesac\nexec \"$real\" \"$@\"\n";
    let (main, scripts) = with_compiler(&project.main(), script);
    main.cargo(&["build", "-j2"]).ok();
    fs::remove_file(scripts.join("compiling")).unwrap();
    fs::write(scripts.join("edited"), "").unwrap();
    main.write(PART, &says("second"));
    main.cargo(&["build", "-j2"]).ok().compiled(&["app bin"]);
    assert!(!scripts.join("late").exists());
    assert_eq!(main.says("app"), "second\n");
    // What was made is what another checkout with this source gets.
    let other = project.linked("other");
    other.write(PART, &says("second"));
    other.cargo(&["build"]).ok().all_hit();
    assert_eq!(other.says("app"), "second\n");
}

/// The compiler has read another source than the one that is listed.
#[requires(sccache)]
#[test]
fn a_source_that_changes_before_the_list_is_not_taken_for_the_one_that_was_compiled() {
    let project = project();
    let script = "case \"$lists $*\" in\n\
        1*) if [ -e \"$dir/new\" ]; then wait_for compiled; cp \"$dir/new\" crates/app/src/part.rs; fi ;;\n\
        *crate-name\\ app*) \"$real\" \"$@\" || exit; : > \"$dir/compiled\"; exit ;;\nesac\nexec \"$real\" \"$@\"\n";
    let (main, scripts) = with_compiler(&project.main(), script);
    main.cargo(&["build", "-j2"]).ok();
    fs::remove_file(scripts.join("compiled")).unwrap();
    fs::write(scripts.join("new"), says("third")).unwrap();
    main.write(PART, &says("second"));
    main.cargo(&["build", "-j2"]).ok();
    fs::remove_file(scripts.join("new")).unwrap();
    for (name, text) in [("one", "second"), ("two", "third")] {
        let other = project.linked(name);
        other.write(PART, &says(text));
        other.cargo(&["build"]).ok();
        assert_eq!(other.says("app"), format!("{text}\n"));
    }
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "third\n");
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
