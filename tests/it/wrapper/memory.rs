//! How much memory the wrapper needs. Linux counts what a process allocates against the limit of its data; others do not.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rstest::rstest;

use super::project::{Checkout, Project, Store};
use super::registry;

/// More than a wrapper may need, however large its files are; less than one of these files.
const MEMORY: usize = 32 << 20;

/// A wrapper that may use [`MEMORY`] for its data, and compilers below it that may use any.
fn with_little_memory<'a>(project: &Project, checkout: &Checkout<'a>) -> Checkout<'a> {
    let script = |name: &str, limit: &str, program: &Path| {
        let path = project.sandbox.path(name);
        let text = format!(
            "#!/bin/bash\nulimit -S -d {limit} || exit 9\nexec {:?} \"$@\"\n",
            program.to_str().unwrap()
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let limit = (MEMORY >> 10).to_string();
    checkout
        .with(
            "RUSTC_WRAPPER",
            &script("wrapper", &limit, project.wrapper()),
        )
        .with_compiler_script("ulimit -S -d unlimited || exit 9")
        .0
        .with("CC", &script("cc", "unlimited", Path::new("/usr/bin/cc")))
}

#[rstest]
#[requires(sccache)]
fn large_files_need_little_memory(#[values(Store::On, Store::Off)] store: Store) {
    let script = "fn main() {\n\
        let out = std::env::var(\"OUT_DIR\").unwrap();\n\
        let mut bytes = vec![0xff; 48 << 20];\n\
        bytes[..out.len()].copy_from_slice(out.as_bytes());\n\
        std::fs::write(format!(\"{out}/large\"), bytes).unwrap();\n}\n";
    let lib = "pub static LARGE: &[u8] = include_bytes!(concat!(env!(\"OUT_DIR\"), \"/large\"));\n\
        pub fn last() -> u8 { LARGE[std::hint::black_box(LARGE.len() - 1)] }\n\
        pub fn place() -> &'static str { file!() }\n";
    let uses = "[dependencies]\nlarge = { path = \"../large\" }\n";
    let main = "fn main() { println!(\"{} {}\", large::last(), large::place()); }\n";
    let project = Project::new()
        .with(store)
        .package("large", "", &[("build.rs", script), ("src/lib.rs", lib)])
        .package("app", uses, &[("src/main.rs", main)])
        .committed();
    let says = "255 crates/large/src/lib.rs\n";
    let first = with_little_memory(&project, &project.main());
    first.cargo(&["build"]).ok();
    assert_eq!(first.says("app"), says);
    let library = first.left_in_deps("debug");
    let is_library = |name: &&String| Path::new(name).extension() == Some("rlib".as_ref());
    let library = library.iter().find(is_library).unwrap();
    let path = first.path(&format!("target/debug/deps/{library}"));
    assert!(fs::metadata(path).unwrap().len() > MEMORY as u64);
    first.clean();
    first.cargo(&["build"]).ok().all_hit();
    let second = with_little_memory(&project, &project.linked("second"));
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), says);
}

/// LLVM IR has three letters for each byte of the array, all in one line.
#[requires(sccache)]
#[test]
fn large_llvm_ir_needs_little_memory() {
    let lib = "pub static LARGE: &[u8] = include_bytes!(\"large\");\n";
    let project = Project::new()
        .with_store()
        .package("large", "", &[("src/lib.rs", lib)])
        .committed();
    let checkout = with_little_memory(&project, &project.main());
    fs::write(checkout.path("crates/large/src/large"), vec![1; 24 << 20]).unwrap();
    let args = ["rustc", "-p", "large", "--", "--emit=llvm-ir"];
    checkout.cargo(&args).ok();
    let names = checkout.left_in_deps("debug");
    let is_ir = |name: &&String| Path::new(name).extension() == Some("ll".as_ref());
    let name = names.iter().find(is_ir).unwrap();
    let path = checkout.path(&format!("target/debug/deps/{name}"));
    let text = fs::read_to_string(path).unwrap();
    assert!(text.len() > 64 << 20);
    assert!(text.contains(checkout.text()) && !text.contains("/sccfg-workspace/"));
}

/// Writes a source of 25 MiB, as generators of tables do, and compiles it to an object of 40 MiB.
const LARGE_SOURCE: &str = r#"use std::{env, fmt::Write, fs, process::Command};
fn main() {
    let out = env::var("OUT_DIR").unwrap();
    let (source, object, archive) = (format!("{out}/large.c"), format!("{out}/large.o"), format!("{out}/liblarge.a"));
    let mut text = String::from("char large[40 << 20] = {1};\nint last(void) { return large[0]; }\n");
    let data = "generated data, ".repeat(250);
    for n in 0..6_500 {
        writeln!(text, "static const char part_{n}[] = \"{data}\";").unwrap();
    }
    fs::write(&source, text).unwrap();
    let mut compile = Command::new(env::var("RUSTC_WRAPPER").unwrap());
    compile.arg(env::var("CC").unwrap()).args(["-g", "-O0", "-c", &source, "-o", &object]);
    assert!(compile.status().unwrap().success());
    assert!(Command::new("ar").args(["crs", &archive, &object]).status().unwrap().success());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=large");
}
"#;

#[requires(sccache)]
#[test]
fn a_large_source_in_c_needs_little_memory() {
    let lib =
        "unsafe extern \"C\" { fn last() -> i32; }\npub fn large() -> i32 { unsafe { last() } }\n";
    let uses = "[dependencies]\nlarge = { path = \"../large\" }\n";
    let main = "fn main() { println!(\"{}\", large::large()); }\n";
    let project = Project::new()
        .with_store()
        .package(
            "large",
            "",
            &[("build.rs", LARGE_SOURCE), ("src/lib.rs", lib)],
        )
        .package("app", uses, &[("src/main.rs", main)])
        .committed();
    for checkout in [project.main(), project.linked("second")] {
        let checkout = with_little_memory(&project, &checkout);
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "1\n");
    }
}

/// As bindings to C, tables of letters, and the sources of a native library are.
#[requires(sccache)]
#[test]
fn a_large_published_package_needs_little_memory() {
    let constants = |count: u32| -> String {
        let lines = (0..count).map(|n| format!("pub const CONSTANT_{n}: u32 = {n};\n"));
        lines.collect()
    };
    let table = format!("pub static TABLE: &[u8] = &[{}];\n", "17, ".repeat(400_000));
    let lib = "pub mod bindings; pub mod table;\n\
        #[cfg(windows)] pub mod windows;\n\
        pub fn sum() -> u32 { bindings::CONSTANT_7 + u32::from(table::TABLE[0]) }\n";
    let project = Project::new().with_store();
    let files = [
        ("src/lib.rs", lib),
        ("src/bindings.rs", &constants(100_000)),
        ("src/table.rs", &table),
        (
            "src/windows.rs",
            &constants(300_000).replace(" = ", " = 1 + "),
        ),
        (
            "c/source.c",
            &"/* a line of a comment in C */\n".repeat(1 << 20),
        ),
    ];
    registry::package(&project, "lowcrate", "", &files);
    registry::publish(&project, &["lowcrate"]);
    let makes = "#[proc_macro] pub fn sum(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n\
        lowcrate::sum().to_string().parse().unwrap()\n}\n";
    let manifest = "[lib]\nproc-macro = true\n[dependencies]\nlowcrate = \"0.1\"\n";
    let uses = "[dependencies]\nmakes = { path = \"../makes\" }\n";
    let project = project
        .package("makes", manifest, &[("src/lib.rs", makes)])
        .package(
            "app",
            uses,
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", makes::sum!()); }\n",
            )],
        )
        .committed();
    for name in ["main", "second"] {
        let checkout = match name {
            "main" => project.main(),
            name => project.linked(name),
        };
        let checkout = registry::with_home(&project, &checkout, "cargo-home");
        let checkout = with_little_memory(&project, &checkout);
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "24\n");
    }
}
