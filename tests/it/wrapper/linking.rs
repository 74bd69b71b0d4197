//! What linkers and assemblers read past rustc: libraries, scripts, files of arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::c::LIB;
use super::project::{Project, succeeds};
use super::seed::seed;
use indoc::indoc;

/// A library that is no build script's, in a directory that a flag or a script names.
#[requires(sccache)]
#[test]
fn a_native_library_with_new_content_is_linked_again() {
    let project = Project::new();
    let directory = project.sandbox.path("native");
    fs::create_dir(&directory).unwrap();
    let make = |number: u32| {
        let source = directory.join("n.c");
        fs::write(
            &source,
            format!("int native(void) {{ return {number}; }}\n"),
        )
        .unwrap();
        let object = directory.join("n.o");
        succeeds(
            Command::new("cc")
                .arg("-c")
                .arg(&source)
                .arg("-o")
                .arg(&object),
        );
        let archive = directory.join("libnative.a");
        let _ = fs::remove_file(&archive);
        succeeds(Command::new("ar").arg("crs").arg(&archive).arg(&object));
    };
    let script = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\"); println!(\"cargo::rerun-if-changed={0}/libnative.a\"); println!(\"cargo::rustc-link-search=native={0}\"); println!(\"cargo::rustc-link-lib=static=native\"); }}\n",
        directory.display()
    );
    let by_argument = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed={0}/n.o\"); println!(\"cargo::rustc-link-arg-bins={0}/n.o\"); }}\n",
        directory.display()
    );
    let by_search = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed={0}/n.o\"); println!(\"cargo::rustc-link-arg-bins=-L{0}\"); println!(\"cargo::rustc-link-arg-bins=-lnative\"); }}\n",
        directory.display()
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
fn with_linker_scripts(script: &str, main: &str, scripts: &[(&str, &str)]) -> Project {
    let files = [&[("build.rs", script), ("src/main.rs", main)], scripts].concat();
    let flags = "[build]\nrustflags = [\"-C\", \"relocation-model=static\"]\n";
    let project = Project::new()
        .package("app", "", &files)
        .file(".cargo/config.toml", flags);
    project.committed()
}

/// A program that prints the value in `value.ld`.
fn with_value(number: u32) -> Project {
    let script = "fn main() { println!(\"cargo::rerun-if-changed=value.ld\"); println!(\"cargo::rustc-link-arg-bins=-Wl,{}/value.ld\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); }\n";
    let main = "extern \"C\" { static value: u8; }\nfn main() { println!(\"{}\", std::ptr::addr_of!(value) as usize); }\n";
    let value = format!("value = {number};\n");
    with_linker_scripts(script, main, &[("value.ld", &value)])
}

#[requires(sccache)]
#[test]
fn a_linker_script_with_new_content_is_linked_again() {
    let project = with_value(1000);
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

/// Builds a program that prints the value in `linker_script`, which becomes 2000 during the compile.
fn build_while_changing(project: &Project, linker_script: &str) {
    let script = "case \"$*\" in *crate-name\\ app*) : > \"$dir/compiling\"; while [ ! -e \"$dir/changed\" ]; do sleep 0.1; done ;; esac\n";
    let (main, scripts) = project.main().with_compiler_script(script);
    let build = main.started(&["build"]);
    while !scripts.join("compiling").exists() {
        thread::sleep(Duration::from_millis(20));
    }
    main.write(linker_script, "value = 2000;\n");
    fs::write(scripts.join("changed"), "").unwrap();
    assert!(build.wait_with_output().unwrap().status.success());
    assert_eq!(main.says("app"), "2000\n");
}

/// The linker reads it at the end of the compile, long after it was read for the key.
#[requires(sccache)]
#[test]
fn a_linker_script_that_changes_during_the_compile_is_not_taken_for_the_one_before() {
    let project = with_value(1000);
    build_while_changing(&project, "crates/app/value.ld");
    let other = project.linked("other");
    other.cargo(&["build"]).ok();
    assert_eq!(other.says("app"), "1000\n");
}

/// cargo finds what is seeded fresh.
#[requires(sccache)]
#[test]
fn a_program_whose_linker_script_changed_during_the_compile_is_not_seeded() {
    let main = "extern \"C\" { static value: u8; }\nfn main() { println!(\"{}\", std::ptr::addr_of!(value) as usize); }\n";
    let flags = "[build]\nrustflags = [\"-C\", \"relocation-model=static\", \"-C\", \"link-arg=-Wl,value.ld\"]\n";
    let project = Project::new()
        .package("app", "", &[("src/main.rs", main)])
        .file(".cargo/config.toml", flags)
        .file("value.ld", "value = 1000;\n")
        .committed();
    build_while_changing(&project, "value.ld");
    let other = project.linked("other");
    seed(&other);
    other.cargo(&["build"]).ok();
    assert_eq!(other.says("app"), "1000\n");
}

/// The crate that names it says so to cargo, and the program above only searches its directory.
#[requires(sccache)]
#[test]
fn a_program_above_a_shared_library_elsewhere_is_shared() {
    let project = Project::new();
    let [first, outside] = ["first", "outside"].map(|name| project.sandbox.path(name));
    fs::create_dir(&first).unwrap();
    fs::create_dir(&outside).unwrap();
    let script = format!(
        "fn main() {{ println!(\"cargo::rustc-link-search=native={}\"); println!(\"cargo::rustc-link-search=native={}\"); println!(\"cargo::rustc-link-lib=dylib=number\"); println!(\"cargo::rerun-if-changed=build.rs\"); }}\n",
        first.display(),
        outside.display()
    );
    let lib = "extern \"C\" { fn number() -> i32; }\npub fn get() -> i32 { unsafe { number() } }\n";
    let main = "fn main() { println!(\"{}\", low::get()); }\n";
    let project = project
        .package("low", "", &[("build.rs", &script), ("src/lib.rs", lib)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", main)],
        )
        .committed();
    let make = |number: u32| {
        let source = format!("int number(void) {{ return {number}; }}\n");
        fs::write(outside.join("number.c"), source).unwrap();
        let args = ["-shared", "-fPIC", "-o", "libnumber.so", "number.c"];
        succeeds(Command::new("cc").args(args).current_dir(&outside));
    };
    make(1);
    project.main().cargo(&["build"]).ok();
    project.linked("second").cargo(&["build"]).ok().all_hit();
    make(22);
    let third = project.linked("third");
    third
        .cargo(&["build"])
        .ok()
        .compiled(&["app bin", "low lib"]);
    // The linker finds it before the other one.
    fs::copy(outside.join("libnumber.so"), first.join("libnumber.so")).unwrap();
    let fourth = project.linked("fourth");
    seed(&fourth);
    fourth.cargo(&["build"]).ok().rebuilt("app");
}

/// As that of `mold -run`, which runs another linker.
#[requires(sccache)]
#[test]
fn a_library_that_is_loaded_into_the_linker_counts() {
    let project = with_value(1000);
    let library = project.sandbox.path("loaded.so");
    let mut make = Command::new("cc");
    make.args(["-shared", "-x", "c", "/dev/null", "-o"]);
    succeeds(make.arg(&library));
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let second = second.with("LD_PRELOAD", library.to_str().unwrap());
    let built = second.cargo(&["build"]).ok();
    built.compiled(&["app bin", "build_script_build bin"]);
    let third = project.linked("third");
    third.cargo(&["build"]).ok().all_hit();
}

/// The name of a library may stand in the source alone, and what is in it in the repository.
#[requires(sccache)]
#[test]
fn a_native_library_that_the_source_names_is_that_of_this_checkout() {
    let project = Project::new();
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
        let directory = checkout.path("native");
        checkout.write(
            "native/n.c",
            &format!("int number(void) {{ return {number}; }}\n"),
        );
        let make = "cc -c n.c -o n.o && ar crs libnumber.a n.o && rm n.o";
        succeeds(
            Command::new("sh")
                .args(["-c", make])
                .current_dir(&directory),
        );
        checkout.cargo(&["build"]).ok();
        for name in ["app", "direct"] {
            assert_eq!(checkout.says(name), format!("{number}\n"), "{name}");
        }
    }
    let third = project.linked("third");
    super::project::copy(&project.main().path("native"), &third.path("native"));
    third.cargo(&["build"]).ok().all_hit();
}

#[requires(sccache)]
#[test]
fn a_library_of_the_system_with_new_content_is_linked_again() {
    let project = Project::new();
    let directory = project.sandbox.path("system");
    fs::create_dir(&directory).unwrap();
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
        succeeds(
            Command::new("sh")
                .args(["-c", &make])
                .current_dir(&directory),
        );
        let checkout = checkout.with("LIBRARY_PATH", directory.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), format!("{number}\n"));
    }
}

/// rustc hands them to the assembler, and learns nothing of them.
#[requires(sccache)]
#[test]
fn files_that_the_assembler_includes_are_those_of_this_checkout() {
    let project = Project::new();
    let main = indoc! {r#"
        std::arch::global_asm!(".section .rodata", ".globl data", "data:",
            ".incbin \"crates/app/data\"\n.incbin \"crates/app/more\"", ".byte 0", ".text");
        extern "C" { static data: [u8; 2]; }
        fn main() { println!("{}", String::from_utf8_lossy(unsafe { &data })); }
    "#};
    let files = [("src/main.rs", main), ("data", "1"), ("more", "1")];
    let project = project.package("app", "", &files).committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(project.main().says("app"), "11\n");
    for (file, said) in [("data", "21\n"), ("more", "12\n")] {
        let other = project.linked(file);
        other.write(&format!("crates/app/{file}"), "2");
        other.cargo(&["build"]).ok();
        assert_eq!(other.says("app"), said);
    }
    project.linked("third").cargo(&["build"]).ok().all_hit();
}

/// The linker looks for it where it looks for libraries, and it names others.
#[requires(sccache)]
#[test]
fn linker_scripts_in_search_directories_are_those_of_this_checkout() {
    let script = "fn main() { println!(\"cargo::rustc-link-search={}/ld\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); println!(\"cargo::rustc-link-arg-bins=-Wl,-T,outer.ld\"); }\n";
    let main = "extern \"C\" { static outer: u8; static inner: u8; }\nfn main() { println!(\"{} {}\", std::ptr::addr_of!(outer) as usize, std::ptr::addr_of!(inner) as usize); }\n";
    let scripts = [
        ("ld/outer.ld", "outer = 1000;\nINCLUDE inner.ld\n"),
        (
            "ld/inner.ld",
            "inner = 1000;\nSECTIONS {}\nINSERT AFTER .data;\n",
        ),
    ];
    let project = with_linker_scripts(script, main, &scripts);
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

#[requires(sccache)]
#[test]
fn a_map_that_the_linker_writes_is_delivered() {
    let project = Project::new();
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
    let mut built = ignore::WalkBuilder::new(second.path("target"));
    let mut built = built.standard_filters(false).build();
    assert!(built.any(|entry| entry.unwrap().path().ends_with("out/app.map")));
}

/// Files that the linker reads although no argument is their path alone.
#[requires(sccache)]
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
        let project = Project::new();
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

/// A linker may be a script, which reads files that rustc knows nothing of.
#[requires(sccache)]
#[test]
fn a_file_that_a_linker_script_program_reads_counts() {
    let project = Project::new()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let (linker, flags) = (
        project.sandbox.path("linker"),
        project.sandbox.path("flags"),
    );
    let script = format!("#!/bin/sh\nexec cc \"$@\" $(cat {})\n", flags.display());
    fs::write(&linker, script).unwrap();
    fs::set_permissions(&linker, fs::Permissions::from_mode(0o755)).unwrap();
    let flag = format!("-Clinker={}", linker.display());
    for (checkout, text) in [
        (project.main(), "/of/one"),
        (project.linked("second"), "/of/two"),
    ] {
        fs::write(&flags, format!("-Wl,-rpath,{text}")).unwrap();
        checkout.with("RUSTFLAGS", &flag).cargo(&["build"]).ok();
        let program = fs::read(checkout.path("target/debug/app")).unwrap();
        let has = memchr::memmem::find(&program, text.as_bytes()).is_some();
        assert!(has, "{text}");
    }
}

#[requires(sccache, wild, clang)]
#[test]
fn wild_links_again() {
    let project = Project::new()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let flags = "-Clinker=clang -Clink-arg=--ld-path=wild";
    let by_wild = |name| project.linked(name).with("RUSTFLAGS", flags);
    project.linked("one").cargo(&["build"]).ok();
    by_wild("two").cargo(&["build"]).ok();
    let again = by_wild("three");
    again.cargo(&["build"]).ok().all_hit();
    let program = fs::read(again.path("target/debug/app")).unwrap();
    assert!(memchr::memmem::find(&program, b"Linker: Wild ").is_some());
}

/// By the variable of nixpkgs' wrapper of the compiler, which `cargo.linker` sets, and by rustc's flag.
#[requires(sccache, mold)]
#[rstest::rstest]
#[case("NIX_CFLAGS_LINK", "-fuse-ld=mold")]
#[case("RUSTFLAGS", "-Clink-arg=-fuse-ld=mold")]
fn another_linker_links_anew(#[case] name: &str, #[case] value: &str) {
    let project = Project::new()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    project.linked("one").cargo(&["build"]).ok();
    let by_mold = project.linked("two").with(name, value);
    by_mold.cargo(&["build"]).ok().compiled(&["app bin"]);
    let again = project.linked("three").with(name, value);
    again.cargo(&["build"]).ok().all_hit();
    project.linked("four").cargo(&["build"]).ok().all_hit();
    if name == "RUSTFLAGS" {
        let program = fs::read(again.path("target/debug/app")).unwrap();
        assert!(memchr::memmem::find(&program, b"mold ").is_some());
    }
}

/// lld writes this variable into programs.
#[requires(sccache)]
#[test]
fn a_program_has_the_version_that_is_passed_to_its_linker() {
    const TOLD: &str = "another linker";
    let project = Project::new()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let second = project.linked("second").with("LLD_VERSION", TOLD);
    let has_version = || {
        let program = fs::read(second.path("target/debug/app")).unwrap();
        memchr::memmem::find(&program, TOLD.as_bytes()).is_some()
    };
    project.main().cargo(&["build"]).ok();
    second.cargo(&["build"]).ok();
    let cached = has_version();
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(cached, has_version());
}

/// A C compiler looks for the linker in directories that a flag or a variable names. Programs leave no trace but their
/// output.
#[rstest::rstest]
#[case::by_a_flag("-Clink-arg=-fuse-ld=bfd -Clink-arg=-B", true)]
#[case::by_a_variable("-Clink-arg=-fuse-ld=bfd", false)]
#[requires(sccache)]
fn a_linker_in_a_directory_of_programs_is_the_one_of_this_build(
    #[case] flags: &str,
    #[case] is_flag: bool,
) {
    let project = Project::new()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let programs = project.sandbox.path("programs");
    fs::create_dir(&programs).unwrap();
    let linker_with = |id: &str| {
        let text = format!(
            "#include <stdlib.h>\n#include <unistd.h>\nint main(int n, char **a) {{ char **b = malloc((n + 2) * sizeof *b); for (int i = 0; i < n; i++) b[i] = a[i]; b[n] = \"--build-id=0x{id}\"; b[n + 1] = 0; execvp(\"ld.bfd\", b); return 1; }}\n"
        );
        let source = project.sandbox.path("linker.c");
        fs::write(&source, text).unwrap();
        let mut cc = Command::new("cc");
        succeeds(cc.arg(&source).arg("-o").arg(programs.join("ld.bfd")));
    };
    for (place, id) in [("one", [0xa1_u8; 8]), ("two", [0xb2; 8])] {
        linker_with(&format!("{:016x}", u64::from_be_bytes(id)));
        let mut checkout = project.linked(place);
        if is_flag {
            checkout = checkout.with("RUSTFLAGS", &format!("{flags}{}", programs.display()));
        } else {
            checkout = checkout.with("RUSTFLAGS", flags);
            checkout = checkout.with("COMPILER_PATH", programs.to_str().unwrap());
        }
        checkout.cargo(&["build"]).ok();
        let program = fs::read(checkout.path("target/debug/app")).unwrap();
        assert!(memchr::memmem::find(&program, &id).is_some(), "{place}");
    }
}

/// As its option `--reproduce` does.
#[requires(sccache)]
#[test]
fn a_variable_that_makes_the_linker_write_an_archive_works() {
    let project = Project::new()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let main = project.main();
    let archive = project.sandbox.path("archive.tar");
    let reproducing = main.with("LLD_REPRODUCE", archive.to_str().unwrap());
    reproducing.uncached(&["build"]).ok();
    // The default linker may be another one.
    let is_by_lld = archive.exists();
    let _ = fs::remove_file(&archive);
    main.clean();
    main.cargo(&["build"]).ok();
    main.clean();
    reproducing.cargo(&["build"]).ok();
    assert_eq!(archive.exists(), is_by_lld);
}

/// As its option `--repro` does, beside the program.
#[requires(sccache, mold)]
#[test]
fn a_variable_that_makes_mold_write_an_archive_works() {
    let project = Project::new()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let by_mold = project.main().with("RUSTFLAGS", "-Clink-arg=-fuse-ld=mold");
    let option = "-Clink-arg=-fuse-ld=mold -Clink-arg=-Wl,--repro";
    by_mold.cargo(&["build"]).ok();
    for checkout in [
        by_mold.with("MOLD_REPRO", "1"),
        by_mold.with("RUSTFLAGS", option),
    ] {
        let archives = || {
            let names = checkout.left_in_deps("debug");
            names.iter().filter(|name| name.contains(".repro")).count()
        };
        checkout.clean();
        checkout.uncached(&["build"]).ok();
        let wanted = archives();
        assert_eq!(wanted, 1);
        for _ in 0..2 {
            checkout.clean();
            checkout.cargo(&["build"]).ok();
            assert_eq!(archives(), wanted);
        }
    }
}
