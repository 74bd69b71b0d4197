//! Targets other than the host whose programs rustc's own linker links: WebAssembly, and processors without an operating system.
//! The standard library may not be installed for them, so the programs have none.

use std::fs;

use indoc::indoc;

use super::project::{Checkout, Project};
use super::seed::seed;

const WASM: &str = "wasm32-unknown-unknown";
const ARM: &str = "thumbv7em-none-eabi";
const LINTS: &str = "[lints.rust]\ninternal_features = \"allow\"\n";
const LOW: &str = indoc! {r#"
    #![feature(no_core, lang_items)]
    #![no_core]
    #[lang = "pointee_sized"] pub trait PointeeSized {}
    #[lang = "meta_sized"] pub trait MetaSized: PointeeSized {}
    #[lang = "sized"] pub trait Sized: MetaSized {}
    pub fn nothing() {}
"#};
const MAIN: &str = indoc! {r#"
    #![feature(no_core)]
    #![no_core]
    #![no_main]
    extern crate low;
    #[unsafe(no_mangle)] pub extern "C" fn start() { low::nothing() }
"#};

/// A program and a library without a standard library, with these files at the root of the workspace.
fn project(files: &[(&str, &str)]) -> Project {
    let lints_and_low = format!("{LINTS}[dependencies]\nlow = {{ path = \"../low\" }}\n");
    let project = Project::new()
        .package("low", LINTS, &[("src/lib.rs", LOW)])
        .package("app", &lints_and_low, &[("src/main.rs", MAIN)]);
    let add = |project: Project, (name, text): &(&str, &str)| project.file(name, text);
    files.iter().fold(project, add).committed()
}

/// The bytes of a program, without those with which the paths in its debug information are padded.
fn program(checkout: &Checkout<'_>, path: &str) -> Vec<u8> {
    let mut bytes = fs::read(checkout.path(path)).unwrap();
    bytes.dedup_by(|byte, before| *byte == 0 && *before == 0);
    bytes
}

#[requires(sccache)]
#[test]
fn a_program_for_wasm_is_shared() {
    let args = ["build", "--target", WASM];
    let project = project(&[]);
    let [main, second] = [project.main(), project.linked("far/second")]
        .map(|checkout| checkout.with("RUSTC_BOOTSTRAP", "1"));
    main.cargo(&args).ok();
    main.clean();
    main.cargo(&args).ok().all_hit();
    second.cargo(&args).ok().all_hit();
    let seeded = project.linked("seeded").with("RUSTC_BOOTSTRAP", "1");
    seed(&seeded);
    seeded.uncached(&args).ok().nothing_to_do();
    let path = format!("target/{WASM}/debug/app.wasm");
    let text = fs::read(seeded.path(&path)).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains(seeded.text()) && !text.contains(main.text()));
    let program = || program(&second, &path);
    let cached = program();
    let text = String::from_utf8_lossy(&cached).into_owned();
    assert!(text.contains(second.text()), "{text}");
    assert!(!text.contains(main.text()), "{text}");
    second.clean();
    second.uncached(&args).ok();
    let sections = |bytes: &[u8]| {
        let debug = memchr::memmem::find(bytes, b".debug_abbrev").unwrap();
        bytes[..debug].to_vec()
    };
    assert_eq!(sections(&cached), sections(&program()));
}

/// The linker script is found in the directory of the package, and includes another one.
#[requires(sccache)]
#[test]
fn a_program_without_an_operating_system_is_shared() {
    let args = ["build", "--release", "--target", ARM];
    let config = "[target.thumbv7em-none-eabi]\nrustflags = [\"-Clink-arg=-Tlink.x\"]\n";
    let script =
        "INCLUDE memory.x\nENTRY(start)\nSECTIONS { .text : { *(.text .text.*) } > FLASH }\n";
    let memory = "MEMORY { FLASH : ORIGIN = 0x1000, LENGTH = 64K }\n";
    let project = project(&[
        (".cargo/config.toml", config),
        ("link.x", script),
        ("memory.x", memory),
    ]);
    let [main, second] = [project.main(), project.linked("far/second")]
        .map(|checkout| checkout.with("RUSTC_BOOTSTRAP", "1"));
    main.cargo(&args).ok();
    second.cargo(&args).ok().all_hit();
    let third = project.linked("third").with("RUSTC_BOOTSTRAP", "1");
    seed(&third);
    third.uncached(&args).ok().nothing_to_do();
    second.write("memory.x", &memory.replace("0x1000", "0x2000"));
    second.clean();
    second.cargo(&args).ok().compiled(&["app bin"]);
    let program = || program(&second, &format!("target/{ARM}/release/app"));
    let cached = program();
    second.clean();
    second.uncached(&args).ok();
    assert_eq!(cached, program());
}
