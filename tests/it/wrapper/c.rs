//! C that build scripts compile through the wrapper.

use std::fs;

use rstest::rstest;

use super::project::{Layout, Project, succeeds};

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
pub(super) const LIB: &str =
    "extern \"C\" { fn native() -> i32; }\npub fn n() -> i32 { unsafe { native() } }\n";

/// A program that prints the number that this C has, compiled by this script.
fn above_c(script: &str, c: &str) -> Project {
    let files = [
        ("build.rs", script),
        ("src/lib.rs", LIB),
        ("native/native.c", c),
    ];
    let uses = "[dependencies]\nlow = { path = \"../low\" }\n";
    let main = "fn main() { println!(\"{}\", low::n()); }\n";
    let project =
        Project::new()
            .package("low", "", &files)
            .package("app", uses, &[("src/main.rs", main)]);
    project.committed()
}

pub(super) fn with_c() -> Project {
    Project::new()
        .package("low", "", &[("build.rs", SCRIPT), ("src/lib.rs", LIB), ("native/native.c", "#include \"n.h\"\nint native(void) { return N; }\n"), ("native/n.h", "#define N 1\n")])
        .package("app", "[dependencies]\nlow = { path = \"../low\" }\n", &[("src/main.rs", "fn main() { println!(\"{}\", low::n()); }\n#[test] fn t() { assert!(low::n() > 0); }\n")])
        .committed()
}

#[requires(sccache)]
#[test]
fn c_is_compiled_through_it_and_hits() {
    let project = with_c();
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "1\n");
    let before = project.counts();
    main.clean();
    main.cargo(&["build"]).ok().all_hit();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    let counts = project.counts() - before;
    if !project.wrapper().ends_with("env") {
        assert_eq!((counts.rust_misses, counts.c_misses), (0, 0), "{counts:?}");
    }
    assert_eq!(second.says("app"), "1\n");
}

/// Without the local store, which has whole runs of build scripts.
#[requires(sccache)]
#[test]
fn objects_are_in_the_report_of_the_build() {
    let project = with_c().without_store();
    let outcome = |checkout: &super::project::Checkout<'_>| {
        let report = super::command::said(checkout, &["report", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let units = report["units"].as_array().unwrap().clone();
        let found = units
            .into_iter()
            .find(|unit| unit["name"] == "low: native.c");
        found.unwrap_or_else(|| panic!("{report:#}"))["outcome"].clone()
    };
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(outcome(&main), "miss");
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(outcome(&second)["sccache"]["shared"], false);
    let text = super::command::said(&main, &["report"]);
    let why = "no build before had these sources, headers, flags and compiler of C";
    assert!(text.contains(why), "{text}");
    // One build has one file.
    assert_eq!(
        super::command::said(&main, &["report", "--list"])
            .lines()
            .count(),
        1
    );
}

/// A path in what C is made of, as `assert` has one.
#[requires(sccache)]
#[test]
fn a_location_in_c_is_that_of_its_checkout() {
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
        let project = Project::new();
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
            let report = super::command::said(&checkout, &["report"]);
            assert!(
                report.contains("the preprocessed source contains the path"),
                "{report}"
            );
        }
    }
}

/// The length of a path stays where the path itself does not.
#[requires(sccache)]
#[test]
fn what_c_computes_from_a_location_is_that_of_its_checkout() {
    let script = SCRIPT.replace(
        "\"native/native.c\"",
        "&format!(\"{}/native/native.c\", env::var(\"CARGO_MANIFEST_DIR\").unwrap())",
    );
    let c = "int native(void) { return sizeof(__FILE__) - 1; }\n";
    let project = above_c(&script, c);
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
#[requires(sccache, clang)]
#[test]
fn the_name_under_which_a_compiler_is_started_counts() {
    let script = SCRIPT
        .replace("it.arg(\"cc\")", "it.arg(env::var(\"WITH\").unwrap())")
        .replace(
            "cargo::rerun-if-changed",
            "cargo::rerun-if-env-changed=WITH\\ncargo::rerun-if-changed",
        );
    let project = Project::new();
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
#[rstest]
#[requires(sccache)]
fn an_object_whose_name_depends_on_its_checkout_is_shared(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let script = SCRIPT
        .replace(
            "\"native/native.c\"",
            "&format!(\"{}/native/native.c\", env::var(\"CARGO_MANIFEST_DIR\").unwrap())",
        )
        .replace(
            "format!(\"{out}/native.o\")",
            "format!(\"{out}/{}-native.o\", env::var(\"CARGO_MANIFEST_DIR\").unwrap().len())",
        );
    let project = Project::laid_out(layout).without_store();
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
    if !project.wrapper().ends_with("env") {
        assert_eq!((counts.rust_misses, counts.c_misses), (1, 0), "{counts:?}");
    }
}

/// sccache counts it for C, for whoever wants other keys.
#[requires(sccache)]
#[test]
fn variables_that_sccache_counts_for_c_count() {
    let project = with_c().without_store();
    project.main().cargo(&["build"]).ok();
    let before = project.counts();
    let second = project.linked("second");
    let second = second.with("SCCACHE_C_CUSTOM_CACHE_BUSTER", "2");
    second.cargo(&["build"]).ok().all_hit();
    let counts = project.counts() - before;
    if !project.wrapper().ends_with("env") {
        assert_eq!((counts.rust_misses, counts.c_misses), (1, 0), "{counts:?}");
    }
}

/// clang writes what the path of a header has in common with the current directory apart from the
/// rest.
#[requires(sccache, clang)]
#[test]
fn a_header_that_the_script_made_is_that_of_this_checkout_to_debuggers() {
    let makes_a_header = "    std::fs::write(format!(\"{out}/made.h\"), \"__attribute__((noinline)) int made(void) { return 1; }\\n\").unwrap();\n    let object";
    let script = SCRIPT
        .replace("it.arg(\"cc\")", "it.arg(\"clang\")")
        .replacen("    let object", makes_a_header, 1)
        .replace("\"-O0\"", "\"-O0\", \"-I\", &out");
    let c = "#include \"made.h\"\nint native(void) { return made(); }\n";
    let project = above_c(&script, c);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("longer/second");
    second.cargo(&["build"]).ok().all_hit();
    let bytes = fs::read(second.path("target/debug/app")).unwrap();
    let has = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
    assert!(has("made.h") && !has(&"_".repeat(60)));
}

/// Compilers of C take the first `=` for the one that they wait for.
#[rstest]
#[requires(sccache)]
fn a_checkout_with_an_equals_sign_is_the_one_that_debuggers_find_c_in(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = with_c().with_layout(layout);
    for place in ["a=b", "longer/a=b"] {
        let checkout = project.linked(place);
        checkout.cargo(&["build"]).ok();
        let bytes = fs::read(checkout.path("target/debug/app")).unwrap();
        let directory = format!("\0{}/crates/low\0", checkout.text());
        assert!(
            memchr::memmem::find(&bytes, directory.as_bytes()).is_some(),
            "{place}"
        );
    }
}

/// Only what is understood is looked up under a key of the wrapper's own.
#[requires(sccache)]
#[test]
fn c_that_writes_or_reads_other_files_does_so_in_each_checkout() {
    let project = |flags: &str, c: &str| {
        let script = SCRIPT
            .replace("\"-O0\"", &format!("\"-O0\", {flags}"))
            .replace("let archive", "if let Ok(text) = std::fs::read_to_string(format!(\"{out}/native.d\")) { println!(\"cargo::rustc-env=LISTED={}\", text.contains(\"n.h\")); }\n    let archive");
        let lib = format!("{LIB}pub const LISTED: Option<&str> = option_env!(\"LISTED\");\n");
        let main = "fn main() { println!(\"{} {:?}\", low::n(), low::LISTED); }\n";
        Project::new()
            .package(
                "low",
                "",
                &[
                    ("build.rs", script.as_str()),
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
            .committed()
    };
    let c = "#include \"n.h\"\nint native(void) { return N; }\n";
    let lists = project("\"-MD\"", c);
    for place in ["second", "third"] {
        let checkout = lists.linked(place);
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), "1 Some(\"true\")\n");
    }
    let by_directive = "extern int number;\n__asm__(\".data\\n.globl number\\nnumber: .incbin \\\"native/n.bin\\\"\\n.text\\n\");\nint native(void) { return number; }\n";
    for directive in [".incbin", ".INCBIN"] {
        let c = by_directive.replace(".incbin", directive);
        let embeds = project("\"-O1\"", &c);
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
#[rstest]
#[requires(sccache)]
fn a_changed_header_reaches_the_program(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = with_c().with_layout(layout);
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

/// OpenSSL's configuration asks the assembler for its version in this way. sccache fails on it, since
/// there is no object to store, but the compiler succeeds.
#[requires(sccache)]
#[test]
fn a_compile_that_writes_no_object_does_not_disable_sccache() {
    let project = Project::new();
    let source = project.sandbox.path("one.c");
    fs::write(&source, "int one(void) { return 1; }\n").unwrap();
    let compile = |args: &[&str]| {
        let mut command = project.command(project.wrapper());
        let output = command
            .current_dir(project.sandbox.path(""))
            .arg("cc")
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        output
    };
    let probe = [
        "-Wa,--version",
        "-c",
        "-o",
        "null.o",
        "-x",
        "assembler",
        "/dev/null",
    ];
    let output = compile(&probe);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("assembler"), "{output:?}");
    let before = project.counts();
    compile(&["-c", "-o", "one.o", "one.c"]);
    assert_eq!((project.counts() - before).c_misses, 1);
}

/// Some variables have compilers write more than the object, or change their options.
#[requires(sccache, clang)]
#[test]
fn variables_of_compilers_work_as_without() {
    let project = Project::new();
    let path = |name: &str| project.sandbox.path(name);
    fs::write(
        path("one.c"),
        "int one(int n) { int i = 0; while (i < n) i++; return i; }\n",
    )
    .unwrap();
    let compile = |compiler: &str, variable: Option<(&str, &str)>| {
        let mut command = project.command(project.wrapper());
        command
            .current_dir(path(""))
            .args([compiler, "-c", "-o", "one.o", "one.c"]);
        succeeds(command.envs(variable));
        fs::read(path("one.o")).unwrap()
    };
    for variable in ["DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"] {
        for _ in 0..2 {
            compile("cc", Some((variable, "listed")));
            assert!(
                fs::read_to_string(path("listed"))
                    .unwrap()
                    .contains("one.o:")
            );
            fs::remove_file(path("listed")).unwrap();
        }
    }
    let plain = compile("clang", None);
    assert_ne!(
        compile("clang", Some(("CCC_OVERRIDE_OPTIONS", "#+-O2"))),
        plain
    );
    assert_eq!(compile("clang", None), plain);
}

/// sccache takes the preprocessed text for all that an object depends on, or even the headers that were read before.
#[requires(sccache)]
#[test]
fn what_sccache_does_not_hash_of_c_counts() {
    let script = r#"use std::{env, process::Command};
    fn main() {
        println!("cargo::rerun-if-changed=native");
        let out = env::var("OUT_DIR").unwrap();
        let mut objects = Vec::new();
        for (name, flag) in [("data.c", "-O0"), ("joined.c", "-O0"), ("front.c", "-O0"), ("asked.c", "-O0"), ("given.c", "-Wa,native/given.s"), ("specs.c", "-specs=native/specs"), ("before.c", "-O0"), ("plain.s", "-O0")] {
            let object = format!("{out}/{name}.o");
            let mut command = match env::var_os("RUSTC_WRAPPER") {
                Some(wrapper) => { let mut it = Command::new(wrapper); it.arg("cc"); it }
                None => Command::new("cc"),
            };
            command.args([flag, "-Inative/first", "-Inative/second", "-c", &format!("native/{name}"), "-o", &object]);
            assert!(command.status().unwrap().success());
            objects.push(object);
        }
        let archive = format!("{out}/libnative.a");
        let _ = std::fs::remove_file(&archive);
        assert!(Command::new("ar").args(["crs", &archive]).args(&objects).status().unwrap().success());
        println!("cargo::rustc-link-search=native={out}");
        println!("cargo::rustc-link-lib=static=native");
    }
    "#;
    let names = [
        "data", "joined", "front", "asked", "given", "specs", "before", "plain",
    ];
    let declared = names.map(|name| format!("fn {name}() -> i32;")).join(" ");
    let called = names.map(|name| format!("{name}()")).join(", ");
    let main = format!(
        "extern \"C\" {{ {declared} }}\nfn main() {{ println!(\"{{:?}}\", unsafe {{ [{called}] }}); }}\n"
    );
    let by_assembler = |name: &str, directive: &str| {
        format!(
            "extern int {name}_number;\n__asm__(\"{directive}\");\nint {name}(void) {{ return {name}_number; }}\n"
        )
    };
    let number = |name: &str, number: u8| {
        format!(".data\n.globl {name}_number\n{name}_number: .long {number}\n.text\n")
    };
    let data = by_assembler(
        "data",
        ".data\\n.globl data_number\\ndata_number:\\n.incbin \\\"native/data\\\"\\n.text",
    );
    let joined = by_assembler(
        "joined",
        ".macro m x\\n.in\\\\x \\\"native/joined.s\\\"\\n.endm\\nm clude",
    );
    let given = "extern int given_number;\nint given(void) { return given_number; }\n";
    let plain = ".include \"native/plain.inc\"\n.globl plain\nplain: mov $PLAIN, %eax\nret\n.section .note.GNU-stack,\"\"\n";
    let project = Project::new()
        .package(
            "app",
            "",
            &[
                ("build.rs", script),
                ("src/main.rs", &main),
                ("native/data.c", &data),
                ("native/joined.c", &joined),
                ("native/front.c", "#include \"n.h\"\nint front(void) { return N; }\n"),
                ("native/asked.c", "#if __has_include(\"m.h\")\nint asked(void) { return 2; }\n#else\nint asked(void) { return 1; }\n#endif\n"),
                ("native/given.c", given),
                ("native/specs.c", "int specs(void) { return (char)200 > 0 ? 2 : 1; }\n"),
                ("native/before.c", "#include \"b.h\"\nint before(void) { return B; }\n"),
                ("native/plain.s", plain),
                ("native/second/n.h", "#define N 1\n"),
                ("native/second/b.h", "#define B 1\n"),
                ("native/data", "\u{1}\u{0}\u{0}\u{0}"),
                ("native/joined.s", &number("joined", 1)),
                ("native/given.s", &number("given", 1)),
                ("native/specs", "*cc1:\n+ -fsigned-char\n"),
                ("native/plain.inc", "PLAIN = 1\n"),
            ],
        )
        .committed();
    let checkout = project.linked("second");
    checkout.cargo(&["build"]).ok();
    assert_eq!(checkout.says("app"), "[1, 1, 1, 1, 1, 1, 1, 1]\n");
    let package = checkout.at("crates/app");
    for (name, text) in [
        ("data", "\u{2}\u{0}\u{0}\u{0}"),
        ("joined.s", number("joined", 2).as_str()),
        ("first/n.h", "#define N 2\n"),
        ("first/m.h", ""),
        ("given.s", &number("given", 2)),
        ("specs", "*cc1:\n+ -funsigned-char\n"),
        ("plain.inc", "PLAIN = 2\n"),
    ] {
        package.write(&format!("native/{name}"), text);
    }
    // A header that was compiled before is taken as it was then.
    fs::write(package.path("old.h"), "#define B 2\n").unwrap();
    let mut compiled = package.command("cc");
    compiled.args(["-O0", "old.h", "-o", "native/second/b.h.gch"]);
    assert!(compiled.status().unwrap().success());
    fs::remove_file(package.path("old.h")).unwrap();
    checkout.cargo(&["build"]).ok();
    assert_eq!(checkout.says("app"), "[2, 2, 2, 2, 2, 2, 2, 2]\n");
}
