//! Files that no argument and no source names: the assembler and the linker find them by themselves. What is delivered
//! must be what an uncached build makes with these files as they are now.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use indoc::indoc;
use rstest::rstest;

use super::command::said;
use super::project::{Checkout, Project, succeeds};

/// A program that prints the number `number()`, or the number in front of `!!` at its end.
struct Case {
    name: &'static str,
    main: &'static str,
    /// What its build script prints, with `EXT` for the directory of the files.
    prints: &'static [&'static str],
}

pub(super) const CALLS: &str = "unsafe extern \"C\" { fn number() -> i32; }\nfn main() { println!(\"{}\", unsafe { number() }); }\n";
const READS: &str =
    "unsafe extern \"C\" { static NAME: u8; }\nfn main() { println!(\"{}\", unsafe { NAME }); }\n";

const CASES: &[Case] = &[
    Case {
        name: "nested",
        main: "core::arch::global_asm!(\".include \\\"data/outer.inc\\\"\");\n",
        prints: &[],
    },
    Case {
        name: "listing",
        main: "core::arch::global_asm!(include_str!(\"listing.s\"));\n",
        prints: &[],
    },
    Case {
        name: "composed",
        main: indoc! {r#"
            macro_rules! data { ($name:literal, $file:literal) => { core::arch::global_asm!(concat!(".section .rodata\n.global ", $name, "\n", $name, ": .inc", "bin \"", $file, "\"\n.text")); } }
            data!("composed", "data/number.bin");
        "#},
        prints: &[],
    },
    Case {
        name: "raw_name",
        main: "#[link(name = r\"one\", kind = \"static\")] unsafe extern \"C\" {}\n",
        prints: &["rustc-link-search=native=EXT"],
    },
    Case {
        name: "name_of_macro",
        main: "macro_rules! links { ($name:literal) => { #[link(name = $name, kind = \"static\")] unsafe extern \"C\" {} } }\nlinks!(\"one\");\n",
        prints: &["rustc-link-search=native=EXT"],
    },
    Case {
        name: "script",
        main: "",
        prints: &[
            "rustc-link-search=native=EXT",
            "rustc-link-lib=dylib=script",
        ],
    },
    Case {
        name: "thin",
        main: "",
        prints: &["rustc-link-search=native=EXT", "rustc-link-lib=static=thin"],
    },
    Case {
        name: "specs",
        main: "",
        prints: &["rustc-link-arg=-specs=EXT/specs"],
    },
    Case {
        name: "program",
        main: "fn main() { let all = std::fs::read(std::env::current_exe().unwrap()).unwrap(); println!(\"{}\", all[all.len() - 3] - b'0'); }\n",
        prints: &["rustc-link-arg=-fuse-ld=bfd", "rustc-link-arg=-BEXT/tools"],
    },
];

fn run(program: &str, args: &[&str]) {
    succeeds(std::process::Command::new(program).args(args));
}

/// A build script that links the linker script `libscript.so` in this directory.
pub(super) fn links_script(directory: &Path) -> String {
    format!(
        "fn main() {{ println!(\"cargo::rustc-link-search=native={}\"); println!(\"cargo::rustc-link-lib=dylib=script\"); }}\n",
        directory.display()
    )
}

/// Writes the files of all cases so that each program prints `number`.
pub(super) fn write_files(checkout: &Checkout<'_>, outside: &Path, number: u8) {
    let symbol =
        |name: &str| format!(".section .rodata\n.global {name}\n{name}: .byte {number}\n.text\n");
    checkout.write("data/outer.inc", ".include \"data/inner.inc\"\n");
    checkout.write("data/inner.inc", &symbol("nested"));
    fs::write(checkout.path("data/number.bin"), [number]).unwrap();
    let path = |name: &str| outside.join(name).to_str().unwrap().to_owned();
    fs::create_dir_all(outside.join("tools")).unwrap();
    fs::write(
        path("one.c"),
        format!("int number(void) {{ return {number}; }}\n"),
    )
    .unwrap();
    run("cc", &["-c", "-fPIC", "-o", &path("one.o"), &path("one.c")]);
    for (library, how) in [("libone.a", "rcsD"), ("libthin.a", "rcsTD")] {
        let _ = fs::remove_file(path(library));
        run("ar", &[how, &path(library), &path("one.o")]);
    }
    fs::write(
        path("libscript.so"),
        format!("INPUT({})\n", path("libone.a")),
    )
    .unwrap();
    fs::write(
        path("specs"),
        format!("*link_libgcc:\n%D {}\n", path("one.o")),
    )
    .unwrap();
    let linker = format!(
        "#!/bin/sh\nfor word in \"$@\"; do [ \"$before\" = -o ] && out=$word; before=$word; done\n\
         PATH=/usr/bin:$PATH; ld \"$@\" && printf '{number}!!' >>\"$out\"\n"
    );
    fs::write(path("tools/ld.bfd"), linker).unwrap();
    fs::set_permissions(path("tools/ld.bfd"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[requires(sccache)]
#[test]
fn what_the_assembler_and_the_linker_find_counts() {
    let mut project = Project::new();
    let outside = project.sandbox.path("outside");
    for case in CASES {
        let main = match case.name {
            "nested" | "listing" | "composed" => &READS.replace("NAME", case.name),
            "program" => "",
            _ => CALLS,
        };
        let lines = case.prints.iter().map(|line| {
            let line = line.replace("EXT", outside.to_str().unwrap());
            format!("println!(\"cargo::{line}\"); ")
        });
        let script = format!("fn main() {{ {} }}\n", lines.collect::<String>());
        project = project.package(
            case.name,
            "",
            &[
                ("src/main.rs", &format!("{}{main}", case.main)),
                ("build.rs", &script),
            ],
        );
    }
    let listing =
        ".section .rodata\n.global listing\nlisting: .incbin \"data/number.bin\"\n.text\n";
    let project = project
        .file("crates/listing/src/listing.s", listing)
        .committed();
    let mut wrong = Vec::new();
    for (checkout, number) in [
        (project.main(), 1),
        (project.main(), 2),
        (project.linked("a/second"), 3),
    ] {
        write_files(&checkout, &outside, number);
        checkout.clean();
        checkout.cargo(&["build"]).ok();
        for case in CASES {
            let said = checkout.says(case.name);
            if said.trim() != number.to_string() {
                wrong.push(format!("{}: {said} instead of {number}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let explained = said(&project.main(), &["wrapper", "explain", "specs"]);
    assert!(
        explained.contains("a file that is not in the key") && explained.contains("outside/one.o"),
        "{explained}"
    );
}

const LINKER: &str = "[target.'cfg(unix)']\nlinker = \"tools/cc.sh\"\n";

/// A project with this shell script as its linker.
fn linked_by(project: Project, script: &str) -> Project {
    let project = project
        .file(".cargo/config.toml", LINKER)
        .file("tools/cc.sh", &format!("#!/bin/sh\n{script}\n"));
    let program = project.main().path("tools/cc.sh");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    project.committed()
}

/// Nobody sees which files the linker behind the script reads.
#[rstest]
#[requires(sccache)]
#[case::clears_the_environment("exec env -i PATH=\"$PATH\" cc \"$@\"")]
#[case::preloads_nothing("unset LD_PRELOAD\nexec cc \"$@\"")]
fn what_a_linker_finds_that_is_not_observed_counts(#[case] script: &str) {
    let project = Project::new();
    let outside = project.sandbox.path("outside");
    let prints = links_script(&outside);
    let project = project.package(
        "app",
        "",
        &[("src/main.rs", CALLS), ("build.rs", prints.as_str())],
    );
    let project = linked_by(project, script);
    for (checkout, number) in [(project.main(), 1), (project.linked("second"), 2)] {
        write_files(&checkout, &outside, number);
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), format!("{number}\n"));
    }
    let explained = said(&project.main(), &["wrapper", "explain", "app"]);
    assert!(
        explained.contains("a program that was not observed"),
        "{explained}"
    );
}

#[requires(sccache)]
#[test]
fn a_linker_that_is_a_script_is_observed_with_what_it_runs() {
    let main = [("src/main.rs", "fn main() { println!(\"app\"); }\n")];
    let project = Project::new().package("app", "", &main);
    let project = linked_by(project, "export LANG=C\nexec env LC_ALL=C cc \"$@\"");
    project.main().cargo(&["build"]).ok();
    project.linked("second").cargo(&["build"]).ok().all_hit();
}

/// A linker that is a script leaves a copy of what it made, which cargo does not know.
#[requires(sccache)]
#[test]
fn files_that_a_linker_writes_to_the_checkout_are_there_each_time() {
    let script = "cc \"$@\" || exit\nmkdir -p target/linked\n\
        while [ $# -gt 1 ]; do case $1:$2 in -o:*/copied-*) cp \"$2\" target/linked/copied ;; esac; shift; done";
    let main = [("src/main.rs", "fn main() { println!(\"copied\"); }\n")];
    let project = linked_by(Project::new().package("copied", "", &main), script);
    let second = project.linked("a/second");
    for checkout in [&project.main(), &project.main(), &second, &second] {
        checkout.clean();
        checkout.cargo(&["build"]).ok();
        let copy = checkout.path("target/linked/copied");
        assert_eq!(checkout.says_of(&copy, &[]), "copied\n");
    }
}

/// To find the places of its parts in a text that stands in a macro of another crate, the compiler reads the source of that crate.
#[requires(sccache)]
#[test]
fn units_that_use_a_text_of_a_macro_of_another_crate_are_shared() {
    let low = "#[macro_export]\nmacro_rules! says { ($name:expr) => { format!(concat!($name, \" {}\"), 1) }; }\n";
    let mid = "pub fn text() -> String { low::says!(\"said\") }\npub use low::says;\n";
    let above = |name: &str| format!("[dependencies]\n{name} = {{ path = \"../{name}\" }}\n");
    let project = Project::new()
        .package("low", "", &[("src/lib.rs", low)])
        .package("mid", &above("low"), &[("src/lib.rs", mid)])
        .package(
            "app",
            &above("mid"),
            &[(
                "src/main.rs",
                "fn main() { println!(\"{} {}\", mid::text(), mid::says!(\"again\")); }\n",
            )],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(second.says("app"), "said 1 again 1\n");
    second.edit("crates/low/src/lib.rs", " {}", "! {}");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "said! 1 again! 1\n");
}
