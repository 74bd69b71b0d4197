//! Everything that is not rustc passes through: C in build scripts, sccache's own commands, exit
//! codes and what is piped in.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};

use super::project::{Project, succeeds};
use crate::support::{left_out, program, version};

/// What the `cc` crate does: it asks for the wrapper's name, and puts it before the compiler.
const SCRIPT: &str = r#"use std::{env, path::Path, process::Command};
fn main() {
    println!("cargo::rerun-if-changed=native");
    let out = env::var("OUT_DIR").unwrap();
    let wrapper = env::var("RUSTC_WRAPPER").unwrap_or_default();
    let stem = Path::new(&wrapper).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = if ["sccache", "cachepot", "buildcache", "kache"].contains(&stem.as_str()) {
        let mut it = Command::new(&wrapper); it.arg("cc"); it
    } else { Command::new("cc") };
    println!("cargo::rustc-env=WRAPPED={}", command.get_program().to_string_lossy() != "cc");
    let object = format!("{out}/native.o");
    assert!(command.args(["-O0", "-g", "-c", "native/native.c", "-o", &object]).status().unwrap().success());
    let archive = format!("{out}/libnative.a");
    let _ = std::fs::remove_file(&archive);
    assert!(Command::new("ar").args(["crs", &archive, &object]).status().unwrap().success());
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=native");
}
"#;
const LIB: &str =
    "extern \"C\" { fn native() -> i32; }\npub fn n() -> i32 { unsafe { native() } }\n";

pub(super) fn with_c() -> Option<Project> {
    let project = Project::new()?
        .package("low", "", &[("build.rs", SCRIPT), ("src/lib.rs", LIB), ("native/native.c", "#include \"n.h\"\nint native(void) { return N; }\n"), ("native/n.h", "#define N 1\n")])
        .package("app", "[dependencies]\nlow = { path = \"../low\" }\n", &[("src/main.rs", "fn main() { println!(\"{}\", low::n()); }\n#[test] fn t() { assert!(low::n() > 0); }\n")])
        .committed();
    Some(project)
}

#[test]
fn c_is_compiled_through_it_and_hits() {
    let Some(project) = with_c() else {
        return;
    };
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "1\n");
    let before = project.counts();
    main.clean();
    main.cargo(&["build"]).ok().all_hit();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    let counts = project.counts() - before;
    if !project.front().ends_with("env") {
        assert_eq!((counts.rust_misses, counts.c_misses), (0, 0), "{counts:?}");
    }
    assert_eq!(second.says("app"), "1\n");
}

/// A path in what C is made of, as `assert` has one.
#[test]
fn a_place_in_c_is_of_its_checkout() {
    let by_its_path = SCRIPT.replace(
        "\"native/native.c\"",
        "&format!(\"{}/native/native.c\", env::var(\"CARGO_MANIFEST_DIR\").unwrap())",
    );
    let lib = "extern \"C\" { fn native() -> *const std::ffi::c_char; }\npub fn n() -> &'static str { unsafe { std::ffi::CStr::from_ptr(native()).to_str().unwrap() } }\n";
    let main = "fn main() { println!(\"{}\", low::n()); }\n";
    for (script, c) in [
        (
            &*by_its_path,
            "const char *native(void) { return __FILE__; }\n",
        ),
        (
            SCRIPT,
            "#include \"made.h\"\nconst char *native(void) { return PLACE; }\n",
        ),
    ] {
        let Some(project) = Project::new() else {
            return;
        };
        let makes_a_header = "    std::fs::write(format!(\"{out}/made.h\"), format!(\"#define PLACE \\\"{out}\\\"\\n\")).unwrap();\n    let object";
        let script = script
            .replacen("    let object", makes_a_header, 1)
            .replace("\"-O0\"", "\"-O0\", \"-I\", &out");
        let project = project
            .package(
                "low",
                "",
                &[
                    ("build.rs", &script),
                    ("src/lib.rs", lib),
                    ("native/native.c", c),
                ],
            )
            .package(
                "app",
                "[dependencies]\nlow = { path = \"../low\" }\n",
                &[("src/main.rs", main)],
            )
            .committed();
        for place in ["second", "a/b/third"] {
            let checkout = project.linked(place);
            checkout.cargo(&["build"]).ok();
            assert!(
                checkout.says("app").starts_with(checkout.text()),
                "{c}: {}",
                checkout.says("app")
            );
        }
    }
}

/// The length of a path stays where the path itself does not.
#[test]
fn what_c_makes_of_a_place_is_of_its_checkout() {
    let script = SCRIPT.replace(
        "\"native/native.c\"",
        "&format!(\"{}/native/native.c\", env::var(\"CARGO_MANIFEST_DIR\").unwrap())",
    );
    let Some(project) = Project::new() else {
        return;
    };
    let c = "int native(void) { return sizeof(__FILE__) - 1; }\n";
    let project = project
        .package(
            "low",
            "",
            &[
                ("build.rs", &script),
                ("src/lib.rs", LIB),
                ("native/native.c", c),
            ],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{}\", low::n()); }\n")],
        )
        .committed();
    for place in ["second", "a/b/third"] {
        let checkout = project.linked(place);
        checkout.cargo(&["build"]).ok();
        let path = checkout.path("crates/low/native/native.c");
        assert_eq!(
            checkout.says("app"),
            format!("{}\n", path.to_str().unwrap().len())
        );
    }
}

/// clang++ is clang by another name, and takes C for C++.
#[test]
fn the_name_that_a_compiler_is_called_under_counts() {
    if program("clang").is_none() {
        return left_out("no clang: its two names");
    }
    let script = SCRIPT
        .replace("it.arg(\"cc\")", "it.arg(env::var(\"WITH\").unwrap())")
        .replace(
            "cargo::rerun-if-changed",
            "cargo::rerun-if-env-changed=WITH\\ncargo::rerun-if-changed",
        );
    let Some(project) = Project::new() else {
        return;
    };
    let script = script.replace(
        "    let archive",
        "    let object_bytes = std::fs::read(&object).unwrap(); println!(\"cargo::rustc-env=MANGLED={}\", object_bytes.windows(10).any(|it| it == b\"_Z6nativev\"));\n    let archive",
    );
    let project = project
        .package(
            "app",
            "",
            &[
                ("build.rs", &script),
                (
                    "src/main.rs",
                    "fn main() { println!(\"{}\", env!(\"MANGLED\")); }\n",
                ),
                ("native/native.c", "int native(void) { return 1; }\n"),
            ],
        )
        .committed();
    for (name, said) in [("clang", "false\n"), ("clang++", "true\n")] {
        let main = project.main().with("WITH", name);
        main.cargo(&["build"]).ok();
        assert_eq!(main.says("app"), said, "{name}");
    }
}

/// As the `cc` crate does, with a part of the source's path in the name.
#[test]
fn an_object_whose_name_is_of_its_checkout_is_shared() {
    let script = SCRIPT
        .replace(
            "\"native/native.c\"",
            "&format!(\"{}/native/native.c\", env::var(\"CARGO_MANIFEST_DIR\").unwrap())",
        )
        .replace(
            "format!(\"{out}/native.o\")",
            "format!(\"{out}/{}-native.o\", env::var(\"CARGO_MANIFEST_DIR\").unwrap().len())",
        );
    let Some(project) = Project::new() else {
        return;
    };
    let c = "int native(void) { return 1; }\n";
    let project = project
        .package(
            "app",
            "",
            &[
                ("build.rs", &script),
                ("src/main.rs", "fn main() {}\n"),
                ("native/native.c", c),
            ],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let before = project.counts();
    let second = project.linked("a/b/second");
    // The archive, and so the program, has the name in it.
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    let counts = project.counts() - before;
    if !project.front().ends_with("env") {
        assert_eq!((counts.rust_misses, counts.c_misses), (1, 0), "{counts:?}");
    }
}

/// sccache counts it for C, for whoever wants other keys.
#[test]
fn variables_that_sccache_counts_for_c_count() {
    let Some(project) = with_c() else {
        return;
    };
    project.main().cargo(&["build"]).ok();
    let before = project.counts();
    let second = project.linked("second");
    let second = second.with("SCCACHE_C_CUSTOM_CACHE_BUSTER", "2");
    second.cargo(&["build"]).ok().all_hit();
    let counts = project.counts() - before;
    if !project.front().ends_with("env") {
        assert_eq!((counts.rust_misses, counts.c_misses), (1, 0), "{counts:?}");
    }
}

/// clang writes what the path of a header has in common with the current folder apart from the rest.
#[test]
fn a_header_that_the_script_made_is_that_of_this_checkout_to_debuggers() {
    if program("clang").is_none() {
        return left_out("no clang: its debug information");
    }
    let makes_a_header = "    std::fs::write(format!(\"{out}/made.h\"), \"__attribute__((noinline)) int made(void) { return 1; }\\n\").unwrap();\n    let object";
    let script = SCRIPT
        .replace("it.arg(\"cc\")", "it.arg(\"clang\")")
        .replacen("    let object", makes_a_header, 1)
        .replace("\"-O0\"", "\"-O0\", \"-I\", &out");
    let Some(project) = Project::new() else {
        return;
    };
    let c = "#include \"made.h\"\nint native(void) { return made(); }\n";
    let project = project
        .package(
            "low",
            "",
            &[
                ("build.rs", &script),
                ("src/lib.rs", LIB),
                ("native/native.c", c),
            ],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{}\", low::n()); }\n")],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("longer/second");
    second.cargo(&["build"]).ok().all_hit();
    let bytes = fs::read(second.path("target/debug/app")).unwrap();
    let has = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
    assert!(has("made.h") && !has(&"_".repeat(60)));
}

/// Compilers of C take the first `=` for the one that they wait for.
#[test]
fn a_checkout_with_an_equals_sign_is_the_one_that_debuggers_find_c_in() {
    let Some(project) = with_c() else {
        return;
    };
    for place in ["a=b", "longer/a=b"] {
        let checkout = project.linked(place);
        checkout.cargo(&["build"]).ok();
        let bytes = fs::read(checkout.path("target/debug/app")).unwrap();
        let folder = format!("\0{}/crates/low\0", checkout.text());
        assert!(
            memchr::memmem::find(&bytes, folder.as_bytes()).is_some(),
            "{place}"
        );
    }
}

/// Only what is understood is looked up under a key of the wrapper's own.
#[test]
fn c_that_writes_or_reads_more_than_its_object_does_so_everywhere() {
    let project = |flags: &str, c: &str| {
        let script = SCRIPT
            .replace("\"-O0\"", &format!("\"-O0\", {flags}"))
            .replace("let archive", "if let Ok(text) = std::fs::read_to_string(format!(\"{out}/native.d\")) { println!(\"cargo::rustc-env=LISTED={}\", text.contains(\"n.h\")); }\n    let archive");
        let lib = format!("{LIB}pub const LISTED: Option<&str> = option_env!(\"LISTED\");\n");
        let main = "fn main() { println!(\"{} {:?}\", low::n(), low::LISTED); }\n";
        let project = Project::new()?
            .package(
                "low",
                "",
                &[
                    ("build.rs", &script),
                    ("src/lib.rs", &lib),
                    ("native/native.c", c),
                    ("native/n.h", "#define N 1\n"),
                    ("native/n.bin", "\u{1}\u{0}\u{0}\u{0}"),
                ],
            )
            .package(
                "app",
                "[dependencies]\nlow = { path = \"../low\" }\n",
                &[("src/main.rs", main)],
            )
            .committed();
        Some(project)
    };
    let c = "#include \"n.h\"\nint native(void) { return N; }\n";
    let Some(lists) = project("\"-MD\"", c) else {
        return;
    };
    for place in ["second", "third"] {
        let checkout = lists.linked(place);
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "1 Some(\"true\")\n");
    }
    let by_directive = "extern int number;\n__asm__(\".data\\n.globl number\\nnumber: .incbin \\\"native/n.bin\\\"\\n.text\\n\");\nint native(void) { return number; }\n";
    for directive in [".incbin", ".INCBIN"] {
        let c = by_directive.replace(".incbin", directive);
        let Some(embeds) = project("\"-O1\"", &c) else {
            return;
        };
        for (place, text, wanted) in [
            ("second", "\u{1}\u{0}\u{0}\u{0}", "1 None\n"),
            ("third", "\u{2}\u{0}\u{0}\u{0}", "2 None\n"),
        ] {
            let checkout = embeds.linked(place);
            checkout.write("crates/low/native/n.bin", text);
            checkout.cargo(&["build"]).ok();
            assert_eq!(checkout.says("app"), wanted);
        }
    }
}

/// The metadata of the crate above do not change with the object: its program has to.
#[test]
fn a_changed_header_reaches_the_program() {
    let Some(project) = with_c() else {
        return;
    };
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.cargo(&["test"]).ok();
    let second = project.linked("second");
    second.write("crates/low/native/n.h", "#define N 2\n");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "2\n");
    second.write("crates/low/native/n.h", "#define N -3\n");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "-3\n");
    second.cargo(&["test"]).fails();
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    assert_eq!(third.says("app"), "1\n");
    third.cargo(&["test"]).ok();
}

/// A library that is no build script's, in a folder that a flag or a script names.
#[test]
fn a_native_library_with_new_content_is_linked_anew() {
    let Some(project) = Project::new() else {
        return;
    };
    let folder = project.sandbox.path("native");
    fs::create_dir(&folder).unwrap();
    let make = |number: u32| {
        let source = folder.join("n.c");
        fs::write(
            &source,
            format!("int native(void) {{ return {number}; }}\n"),
        )
        .unwrap();
        let object = folder.join("n.o");
        succeeds(
            Command::new("cc")
                .arg("-c")
                .arg(&source)
                .arg("-o")
                .arg(&object),
        );
        let archive = folder.join("libnative.a");
        let _ = fs::remove_file(&archive);
        succeeds(Command::new("ar").arg("crs").arg(&archive).arg(&object));
    };
    let script = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\"); println!(\"cargo::rerun-if-changed={0}/libnative.a\"); println!(\"cargo::rustc-link-search=native={0}\"); println!(\"cargo::rustc-link-lib=static=native\"); }}\n",
        folder.display()
    );
    let by_argument = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed={0}/n.o\"); println!(\"cargo::rustc-link-arg-bins={0}/n.o\"); }}\n",
        folder.display()
    );
    let by_search = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed={0}/n.o\"); println!(\"cargo::rustc-link-arg-bins=-L{0}\"); println!(\"cargo::rustc-link-arg-bins=-lnative\"); }}\n",
        folder.display()
    );
    let direct = "extern \"C\" { fn native() -> i32; }\nfn main() { println!(\"{}\", unsafe { native() }); }\n";
    let project = project
        .package("low", "", &[("build.rs", &script), ("src/lib.rs", LIB)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{}\", low::n()); }\n")],
        )
        .package(
            "argument",
            "",
            &[("build.rs", &by_argument), ("src/main.rs", direct)],
        )
        .package(
            "search",
            "",
            &[("build.rs", &by_search), ("src/main.rs", direct)],
        )
        .committed();
    let mut wrong = Vec::new();
    for (turn, number) in [1, 2, 3, 1].into_iter().enumerate() {
        make(number);
        let linked = project.linked(&format!("worktree{turn}"));
        linked.cargo(&["build"]).ok();
        for name in ["app", "argument", "search"] {
            let said = linked.says(name);
            if said != format!("{number}\n") {
                wrong.push(format!("{name}: {said} not {number}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A program that prints what linker scripts say, with that build script and these files.
fn with_linker_scripts(script: &str, main: &str, scripts: &[(&str, &str)]) -> Option<Project> {
    let files = [&[("build.rs", script), ("src/main.rs", main)], scripts].concat();
    let flags = "[build]\nrustflags = [\"-C\", \"relocation-model=static\"]\n";
    let project = Project::new()?
        .package("app", "", &files)
        .file(".cargo/config.toml", flags);
    Some(project.committed())
}

#[test]
fn a_linker_script_with_new_content_is_linked_anew() {
    let script = "fn main() { println!(\"cargo::rerun-if-changed=value.ld\"); println!(\"cargo::rustc-link-arg-bins=-Wl,{}/value.ld\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); }\n";
    let main = "extern \"C\" { static value: u8; }\nfn main() { println!(\"{}\", std::ptr::addr_of!(value) as usize); }\n";
    let scripts = [("value.ld", "value = 1000;\n")];
    let Some(project) = with_linker_scripts(script, main, &scripts) else {
        return;
    };
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "1000\n");
    let second = project.linked("second");
    second.write("crates/app/value.ld", "value = 2000;\n");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "2000\n");
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    assert_eq!(third.says("app"), "1000\n");
}

/// The name of a library may stand in the source alone, and what is in it in the repository.
#[test]
fn a_native_library_that_the_source_names_is_that_of_this_checkout() {
    let Some(project) = Project::new() else {
        return;
    };
    let script = "fn main() { println!(\"cargo::rustc-link-search=native={}/../../native\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); }\n";
    let linked =
        "#[link(name = \"number\", kind = \"static\")] extern \"C\" { fn number() -> i32; }\n";
    let lib = format!("{linked} pub fn get() -> i32 {{ unsafe {{ number() }} }}\n");
    let direct = format!("{linked} fn main() {{ println!(\"{{}}\", unsafe {{ number() }}); }}\n");
    let project = project
        .package("low", "", &[("build.rs", script), ("src/lib.rs", &lib)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", low::get()); }\n",
            )],
        )
        .package(
            "direct",
            "",
            &[("build.rs", script), ("src/main.rs", &direct)],
        )
        .committed();
    for (number, checkout) in [(1, project.main()), (2, project.linked("second"))] {
        let folder = checkout.path("native");
        checkout.write(
            "native/n.c",
            &format!("int number(void) {{ return {number}; }}\n"),
        );
        let make = "cc -c n.c -o n.o && ar crs libnumber.a n.o && rm n.o";
        succeeds(Command::new("sh").args(["-c", make]).current_dir(&folder));
        checkout.cargo(&["build"]).ok();
        for name in ["app", "direct"] {
            assert_eq!(checkout.says(name), format!("{number}\n"), "{name}");
        }
    }
    let third = project.linked("third");
    super::project::copy(&project.main().path("native"), &third.path("native"));
    third.cargo(&["build"]).ok().all_hit();
}

#[test]
fn a_library_that_the_system_has_is_linked_anew() {
    let Some(project) = Project::new() else {
        return;
    };
    let folder = project.sandbox.path("system");
    fs::create_dir(&folder).unwrap();
    let lib = "extern \"C\" { fn number() -> i32; }\npub fn get() -> i32 { unsafe { number() } }\n";
    let script = "fn main() { println!(\"cargo::rustc-link-lib=number\"); }\n";
    let project = project
        .package("low", "", &[("build.rs", script), ("src/lib.rs", lib)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", low::get()); }\n",
            )],
        )
        .committed();
    for (number, checkout) in [(1, project.main()), (2, project.linked("second"))] {
        let make = format!(
            "echo 'int number(void) {{ return {number}; }}' > n.c && cc -c n.c -o n.o && rm -f libnumber.a && ar crs libnumber.a n.o"
        );
        succeeds(Command::new("sh").args(["-c", &make]).current_dir(&folder));
        let checkout = checkout.with("LIBRARY_PATH", folder.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), format!("{number}\n"));
    }
}

/// rustc hands it to the assembler, and learns nothing of it.
#[test]
fn a_file_that_the_assembler_includes_is_that_of_this_checkout() {
    let Some(project) = Project::new() else {
        return;
    };
    let main = "std::arch::global_asm!(\".section .rodata\", \".globl data\", \"data:\", \".incbin \\\"crates/app/data\\\"\", \".byte 0\", \".text\");\n\
        extern \"C\" { static data: u8; }\nfn main() { println!(\"{}\", unsafe { data } as char); }\n";
    let project = project
        .package("app", "", &[("src/main.rs", main), ("data", "1")])
        .committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(project.main().says("app"), "1\n");
    let second = project.linked("second");
    second.write("crates/app/data", "2");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "2\n");
    project.linked("third").cargo(&["build"]).ok().all_hit();
}

/// The linker looks for it where it looks for libraries, and it names others.
#[test]
fn linker_scripts_in_search_folders_are_those_of_this_checkout() {
    let script = "fn main() { println!(\"cargo::rustc-link-search={}/ld\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); println!(\"cargo::rustc-link-arg-bins=-Wl,-T,outer.ld\"); }\n";
    let main = "extern \"C\" { static outer: u8; static inner: u8; }\nfn main() { println!(\"{} {}\", std::ptr::addr_of!(outer) as usize, std::ptr::addr_of!(inner) as usize); }\n";
    let scripts = [
        ("ld/outer.ld", "outer = 1000;\nINCLUDE inner.ld\n"),
        (
            "ld/inner.ld",
            "inner = 1000;\nSECTIONS {}\nINSERT AFTER .data;\n",
        ),
    ];
    let Some(project) = with_linker_scripts(script, main, &scripts) else {
        return;
    };
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.edit("crates/app/ld/outer.ld", "1000", "2000");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "2000 1000\n");
    let third = project.linked("third");
    third.edit("crates/app/ld/inner.ld", "1000", "3000");
    third.cargo(&["build"]).ok();
    assert_eq!(third.says("app"), "1000 3000\n");
}

#[test]
fn a_map_that_the_linker_writes_is_there() {
    let Some(project) = Project::new() else {
        return;
    };
    let script = "fn main() { println!(\"cargo::rustc-link-arg-bins=-Wl,-Map={}/app.map\", std::env::var(\"OUT_DIR\").unwrap()); }\n";
    let project = project
        .package(
            "app",
            "",
            &[("build.rs", script), ("src/main.rs", "fn main() {}\n")],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    let folders = fs::read_dir(second.path("target/debug/build")).unwrap();
    let mut maps = folders.map(|it| it.unwrap().path().join("out/app.map"));
    assert!(maps.any(|map| map.is_file()));
}

/// Files that the linker reads although no argument is their path alone.
#[test]
fn files_behind_the_linkers_arguments_count() {
    let argument_file = "-Wl,--defsym=value=";
    let defines = "#!/bin/sh\nexec /usr/bin/ld \"$@\" --defsym=value=";
    let mut wrong = Vec::new();
    for (name, argument, text) in [
        ("arguments.txt", "@{}/arguments.txt", argument_file),
        ("tools/ld", "-B{}/tools", defines),
        ("value.ld", "-Wl,-T,{}/value.ld", "value = "),
        ("value.ld", "-Wl,--just-symbols={}/value.ld", "value = "),
    ] {
        let Some(project) = Project::new() else {
            return;
        };
        let argument = argument.replace("{}", "{0}");
        let script = format!(
            "fn main() {{ println!(\"cargo::rerun-if-changed=.\"); println!(\"cargo::rustc-link-arg-bins={argument}\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); }}\n"
        );
        let main = "extern \"C\" { static value: u8; }\nfn main() { println!(\"{}\", std::ptr::addr_of!(value) as usize); }\n";
        let end = if name == "value.ld" { ";\n" } else { "\n" };
        let project = project
            .package(
                "app",
                "",
                &[
                    ("build.rs", &script),
                    ("src/main.rs", main),
                    (name, &format!("{text}1000{end}")),
                ],
            )
            .file(
                ".cargo/config.toml",
                "[build]\nrustflags = [\"-C\", \"relocation-model=static\"]\n",
            );
        let file = format!("crates/app/{name}");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(project.main().path(&file), mode).unwrap();
        let project = project.committed();
        let main = project.main();
        if main.uncached(&["build"]).ran.code != Some(0) {
            // Not every linker takes every form.
            continue;
        }
        main.clean();
        main.cargo(&["build"]).ok();
        assert_eq!(main.says("app"), "1000\n", "{argument}");
        let second = project.linked("second");
        second.edit(&file, "1000", "2000");
        second.cargo(&["build"]).ok();
        if second.says("app") != "2000\n" {
            wrong.push(argument);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The front, called as cc-rs, cmake and others do.
fn front(project: &Project, args: &[&str], input: &[u8]) -> Output {
    let mut command = project.command(project.front());
    command
        .args(args)
        .env_remove("RUSTC_WRAPPER")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
fn exit_codes_signals_and_streams_are_those_of_the_program() {
    let Some(project) = Project::new() else {
        return;
    };
    let failed = front(&project, &["cc", "-c", "nowhere.c", "-o", "x.o"], b"");
    let mut direct = project.command(project.sccache());
    let direct = direct
        .args(["cc", "-c", "nowhere.c", "-o", "x.o"])
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), direct.status.code());
    assert!(
        String::from_utf8_lossy(&failed.stderr).contains("nowhere.c"),
        "{failed:?}"
    );
    // From standard input, to standard output.
    let piped = front(
        &project,
        &["cc", "-E", "-x", "c", "-"],
        b"int made_of = __LINE__;\n",
    );
    assert!(piped.status.success(), "{piped:?}");
    assert!(
        String::from_utf8_lossy(&piped.stdout).contains("int made_of = 1;"),
        "{piped:?}"
    );
    let rustc = project.command("rustc").arg("-vV").output().unwrap();
    let through = front(&project, &["rustc", "-vV"], b"");
    assert_eq!(rustc.stdout, through.stdout);
    // A program on standard input, as cargo asks.
    let asked = front(
        &project,
        &[
            "rustc",
            "-",
            "--crate-name",
            "___",
            "--print=file-names",
            "--crate-type",
            "bin",
        ],
        b"",
    );
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "___\n", "{asked:?}");
    let wrong = front(
        &project,
        &[
            "rustc",
            "--crate-name",
            "x",
            "nowhere.rs",
            "--emit=link",
            "--out-dir",
            "/tmp",
            "--crate-type",
            "lib",
        ],
        b"",
    );
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    let strange = front(&project, &["rustc", "--no-such-flag"], b"");
    assert_eq!(strange.status.code(), Some(1), "{strange:?}");
    let nobody = front(&project, &["no-such-compiler-at-all", "-c", "x.c"], b"");
    assert!(!nobody.status.success());
}

#[test]
fn a_signal_ends_it_as_it_would_the_compiler() {
    let Some(project) = Project::new() else {
        return;
    };
    let slow = "pub const S: u64 = { let mut i = 0; while i < u64::MAX { i += 1 } i };\n";
    project.sandbox.write(
        "slow.rs",
        &format!("#![allow(long_running_const_eval)]\n{slow}"),
    );
    let mut command = project.command(project.front());
    command
        .args([
            "rustc",
            "--crate-name",
            "slow",
            "--crate-type",
            "lib",
            "--emit=link",
            "--out-dir",
        ])
        .arg(project.sandbox.path("tmp"))
        .arg(project.sandbox.path("slow.rs"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let pid = child.id().to_string();
    succeeds(Command::new("kill").args(["-s", "TERM", &pid]));
    let status = child.wait().unwrap();
    assert_eq!(
        status.signal().or(status.code().map(|it| it - 128)),
        Some(15),
        "{status:?}"
    );
    // Nothing that it started goes on for ever; the server of an old sccache goes on compiling.
    if version(project.sccache()) < "0.17.0".parse().unwrap() {
        for pid in running_with(project.sandbox.path("slow.rs").to_str().unwrap()) {
            succeeds(Command::new("kill").args(["-9", &pid.to_string()]));
        }
        return;
    }
    let started = std::time::Instant::now();
    loop {
        let left = running_with(project.sandbox.path("slow.rs").to_str().unwrap());
        if left.is_empty() {
            break;
        }
        if started.elapsed() > std::time::Duration::from_secs(10) {
            for pid in &left {
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            }
            panic!("still running: {left:?}");
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// The processes that have this in their command line.
fn running_with(text: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(text)
        })
        .collect()
}

#[test]
fn sccaches_own_commands_work_through_it() {
    let Some(project) = Project::new() else {
        return;
    };
    if project.front().ends_with("env") {
        return;
    }
    let version = front(&project, &["--version"], b"");
    let direct = Command::new(project.sccache())
        .arg("--version")
        .output()
        .unwrap();
    assert_eq!(version.stdout, direct.stdout);
    let stats = front(&project, &["--show-stats", "--stats-format=json"], b"");
    assert!(
        serde_json::from_slice::<serde_json::Value>(&stats.stdout).is_ok(),
        "{stats:?}"
    );
}

/// No sccache, no cache: but a build.
#[test]
fn a_build_works_where_the_cache_does_not() {
    let Some(project) = Project::new() else {
        return;
    };
    if project.front().ends_with("env") {
        return;
    }
    let project = project
        .package(
            "app",
            "",
            &[("src/main.rs", "fn main() { println!(\"1\"); }\n")],
        )
        .committed();
    let main = project.main();
    let nowhere = project.sandbox.path("nowhere");
    for (name, value) in [
        ("SCCFG_SCCACHE", nowhere.join("sccache")),
        ("SCCACHE_SERVER_UDS", nowhere.join("s")),
        ("SCCACHE_CONF", project.sandbox.path("main/Cargo.toml")),
        ("XDG_CACHE_HOME", "/proc/nowhere".into()),
        ("XDG_DATA_HOME", "/proc/nowhere".into()),
        ("HOME", "/proc/nowhere".into()),
        ("XDG_RUNTIME_DIR", "/proc/nowhere".into()),
        ("TMPDIR", "/proc/nowhere".into()),
    ] {
        main.clean();
        let uncached = main
            .with(name, value.to_str().unwrap())
            .uncached(&["build"]);
        main.clean();
        let built = main.with(name, value.to_str().unwrap()).cargo(&["build"]);
        assert_eq!(built.ran.code, uncached.ran.code, "{name}: {:?}", built.ran);
        if built.ran.code == Some(0) {
            assert_eq!(main.says("app"), "1\n", "{name}");
        }
    }
}
