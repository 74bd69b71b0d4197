//! Libraries that have no portable key and depend on nothing: sccache may compile them, unless it does not know all that they
//! are made of.

use rstest::rstest;

use super::project::{Checkout, Project};

/// Compiles `c/a.c` into a library that nothing but the source names.
const SCRIPT: &str = r#"use std::{env, process::Command};
fn main() {
    let out = env::var("OUT_DIR").unwrap();
    let (object, archive) = (format!("{out}/a.o"), format!("{out}/libnat.a"));
    assert!(Command::new("cc").args(["-c", "c/a.c", "-o", &object]).status().unwrap().success());
    assert!(Command::new("ar").args(["crs", &archive, &object]).status().unwrap().success());
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rerun-if-changed=c");
    PRINTS
}
"#;
const USES_C: &str =
    "extern \"C\" { fn nat() -> i32; }\npub fn said() -> i32 { unsafe { nat() } }\n";
const C: &str = "int nat(void) { return 1; }\n";
const ASSEMBLED: &str = r#"
std::arch::global_asm!(".section .rodata", ".globl WRITTEN", "WRITTEN:",
    concat!(".incbin \"", env!("CARGO_MANIFEST_DIR"), "/number\""), ".text");
extern "C" { static WRITTEN: u8; }
pub fn said() -> i32 { i32::from(unsafe { WRITTEN } - b'0') }
"#;

/// A program above a library of these files, for which there are no portable keys.
fn project(files: &[(&str, &str)]) -> Project {
    let uses = "[dependencies]\nlow = { path = \"../low\" }\n";
    let main = "fn main() { println!(\"{}\", low::said()); }\n";
    Project::new()
        .package("low", "", files)
        .package("app", uses, &[("src/main.rs", main)])
        .committed()
}

/// One and then two, also after it was one.
#[track_caller]
fn is_compiled_again(checkout: &Checkout<'_>, changed: &str) {
    let checkout = checkout.with("RUSTFLAGS", "-C rpath");
    for (from, to) in [("1", "1"), ("1", "2"), ("2", "1")] {
        checkout.edit(changed, from, to);
        // cargo does not know each of these files.
        let root = checkout.read("crates/low/src/lib.rs");
        checkout.write("crates/low/src/lib.rs", &root);
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), format!("{to}\n"));
    }
}

#[rstest]
#[requires(sccache)]
#[case::of_the_source("#[link(name = \"nat\", kind = \"static\")]", "")]
#[case::whole("", "println!(\"cargo::rustc-link-lib=static:+whole-archive=nat\");")]
#[case::of_a_file("", "println!(\"cargo::rustc-link-lib=static:+verbatim=libnat.a\");")]
fn a_native_library_counts(#[case] attribute: &str, #[case] prints: &str) {
    let project = project(&[
        ("build.rs", &SCRIPT.replace("PRINTS", prints)),
        ("src/lib.rs", &format!("{attribute} {USES_C}")),
        ("c/a.c", C),
    ]);
    is_compiled_again(&project.main(), "crates/low/c/a.c");
}

#[rstest]
#[requires(sccache)]
#[case::plainly(ASSEMBLED.to_owned())]
#[case::by_another_name(ASSEMBLED.replace("std::arch::global_asm!", "use std::arch::global_asm as emit; emit!"))]
fn a_file_that_assembler_code_includes_counts(#[case] source: String) {
    let project = project(&[("src/lib.rs", &source), ("number", "1")]);
    is_compiled_again(&project.main(), "crates/low/number");
}

#[requires(sccache)]
#[test]
fn others_are_cached_by_sccache() {
    let source = "pub fn said() -> i32 { 1 } // wasm, asmjs\n";
    let project = project(&[("src/lib.rs", source)]);
    let checkout = project.main().with("RUSTFLAGS", "-C rpath");
    checkout.cargo(&["build"]).ok();
    checkout.clean();
    let before = project.counts();
    checkout.cargo(&["build"]).ok();
    assert_eq!((project.counts() - before).rust_hits, 1);
}
