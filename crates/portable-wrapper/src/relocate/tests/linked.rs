//! Programs and shared libraries.

use super::*;

/// Compiles and links [`SOURCE`] and another file in `directory`, without its path in the program itself.
fn linked(directory: &Path, compiler: &str, flags: &[&str]) -> Vec<u8> {
    archive(directory, &["-c"]);
    let own = format!("-I{}", directory.display());
    let below = directory.join("below/deeper.h");
    fsio::create_dir_all(below.parent().unwrap()).unwrap();
    fsio::replace(&below, b"static inline int f(int x) { return x + 1; }\n").unwrap();
    let text = "#include \"below/deeper.h\"\nint value(int x) { return f(x) * 2; }\n";
    fsio::replace(&directory.join("value.c"), text.as_bytes()).unwrap();
    let main = "#include <stdio.h>\nint value(int);\nint main(void) { printf(\"%d\\n\", value(20)); return 0; }\n";
    fsio::replace(&directory.join("main.c"), main.as_bytes()).unwrap();
    let mut args = vec!["value.c", "main.c", "-o", "program", &*own];
    args.extend(flags);
    run(directory, compiler, &args);
    fsio::read_artifact(directory.join("program")).unwrap()
}

/// All of debug information except for offsets of strings and line tables.
fn entries(directory: &Path, program: &[u8]) -> Vec<String> {
    fsio::replace(&directory.join("p"), program).unwrap();
    let text = run(
        directory,
        "objdump",
        &["--dwarf=info,decodedline", "-s", "-j", ".comment", "p"],
    );
    let without_offset = |line: &str| {
        let line = line
            .split("offset: ")
            .enumerate()
            .map(|(nth, part)| match nth {
                0 => part,
                _ => part.split_once(')').map_or("", |(_, rest)| rest),
            });
        let line = line.collect::<String>();
        line.split("DW_AT_stmt_list")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    text.lines().map(without_offset).collect()
}

/// A linker merges strings, and writes the references to them.
#[rstest::rstest]
#[case::dwarf_5("gcc", &["-gdwarf-5", "-O1"])]
#[case::dwarf_4("gcc", &["-gdwarf-4", "-O1"])]
#[case::dwarf_3("gcc", &["-gdwarf-3", "-gstrict-dwarf"])]
#[case::dwarf_64("gcc", &["-g", "-gdwarf64"])]
#[case::library("gcc", &["-g", "-shared", "-fPIC"])]
#[case::by_gold("gcc", &["-g", "-fuse-ld=gold"])]
#[requires(mold)]
#[case::by_mold("gcc", &["-g", "-fuse-ld=mold"])]
#[requires(clang)]
#[case::by_clang("clang", &["-g"])]
#[requires(clang)]
#[case::by_clang_in_dwarf_4("clang", &["-gdwarf-4"])]
fn a_moved_program_equals_one_linked_elsewhere(#[case] compiler: &str, #[case] flags: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    let short = root.path().join("here");
    let long = root.path().join("somewhere/else/with/a/longer/name");
    let at_short = linked(&short, compiler, flags);
    let at_long = linked(&long, compiler, flags);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (from, to, old, new) in [
        (&short, &long, &at_short, &at_long),
        (&long, &short, &at_long, &at_short),
    ] {
        let moves = Moves::new(vec![(text(from), text(to))]);
        assert!(is_movable(io::Cursor::new(&**old), &moves));
        let moved = moved_archive(old, &moves).expect("it fits");
        assert_eq!(memmem::find(&moved, text(from).as_bytes()), None);
        assert_eq!(entries(to, &moved), entries(to, new));
        if !flags.contains(&"-shared") {
            run(to, "chmod", &["+x", "p"]);
            // A process that another test starts at this moment has the program open for writing for a while.
            run(to, "cp", &["p", "copy"]);
            assert_eq!(run(to, "./copy", &[]), "42\n");
        }
        let back = Moves::new(vec![(text(to), text(from))]);
        let back = moved_archive(&moved, &back).expect("it fits");
        assert_eq!(entries(from, &back), entries(from, old));
    }
}

/// In the program itself, and in what the linker may have merged with the end of a path.
#[rstest::rstest]
#[case::of_the_program("const char *text = DIRECTORY \"/share\";", "/else", false)]
#[case::of_the_program_of_the_same_length(
    "const char *text = DIRECTORY \"/share\";",
    "/home",
    false
)]
#[case::of_a_url("const char *text = \"file://\" DIRECTORY \"/share\";", "/else", false)]
#[case::between_other_letters("const char *text = \"a.\" DIRECTORY \"b\";", "/else", false)]
#[case::of_a_path_of_libraries("", "/else", false)]
#[case::of_debug_information("int x;", "/elsewhere", true)]
fn only_debug_information_of_a_program_is_rewritten(
    #[case] source: &str,
    #[case] to: &str,
    #[case] fits: bool,
) {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("here");
    fsio::create_dir_all(&here).unwrap();
    let from = here.to_str().unwrap().to_owned();
    fsio::replace(&here.join("x.c"), source.as_bytes()).unwrap();
    let define = format!("-DDIRECTORY=\"{from}\"");
    let mut args = vec!["-shared", "-fPIC", "-g", "x.c", "-o", "x.so", &*define];
    let search = format!("-Wl,-rpath,{from}/lib");
    if source.is_empty() {
        args.push(&search);
    }
    run(&here, "cc", &args);
    let library = fsio::read_artifact(here.join("x.so")).unwrap();
    let moves = Moves::new(vec![(from.clone(), from.replace("/here", to))]);
    assert_eq!(moved_archive(&library, &moves).is_some(), fits);
    assert_eq!(is_movable(io::Cursor::new(&library), &moves), fits);
}

/// Compressed, of another file, or with something behind it.
#[test]
fn programs_with_unknown_debug_information_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("here");
    let from = here.to_str().unwrap().to_owned();
    let moves = Moves::new(vec![(from.clone(), format!("{from}/there"))]);
    let is_compressed =
        |program: &[u8]| compresses_debug_information(io::Cursor::new(program)).unwrap();
    let plain = linked(&here, "gcc", &["-g"]);
    assert!(is_movable(io::Cursor::new(&plain), &moves) && !is_compressed(&plain));
    let appended = [&*plain, b"and more"].concat();
    assert!(!is_movable(io::Cursor::new(&appended), &moves));
    run(
        &here,
        "objcopy",
        &["--only-keep-debug", "program", "program.debug"],
    );
    let separate = fsio::read_artifact(here.join("program.debug")).unwrap();
    assert!(!is_movable(io::Cursor::new(&separate), &moves));
    for kind in ["zlib", "zlib-gnu"] {
        let compresses = format!("-Wl,--compress-debug-sections={kind}");
        let program = linked(&here, "gcc", &["-g3", &compresses]);
        assert!(is_compressed(&program), "{kind}");
        if memmem::find(&program, from.as_bytes()).is_some() {
            assert!(!is_movable(io::Cursor::new(&program), &moves), "{kind}");
        }
    }
}

/// That of protobuf-src has 145 MB.
#[test]
fn programs_that_do_not_fit_into_memory_are_moved() {
    let root = tempfile::tempdir().unwrap();
    let short = root.path().join("here");
    let long = root.path().join("somewhere/else/with/a/longer/name");
    let other = "/usr/registry";
    let data = format!("{LARGE}const char *registry = \"{other}\";\n");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for flags in [["-gdwarf-5", "data.c"], ["-gdwarf-4", "data.c"]] {
        let [at_short, at_long] = [&short, &long].map(|directory| {
            fsio::replace_and_create_dir(&directory.join("data.c"), data.as_bytes()).unwrap();
            linked(directory, "gcc", &flags)
        });
        let moves = [
            (text(&short), text(&long)),
            (other.to_owned(), other.to_owned()),
        ];
        let moves = Moves::new(moves.to_vec());
        assert!(is_movable(io::Cursor::new(&*at_short), &moves));
        let copy = moved_archive(&at_short, &moves).expect("it fits");
        assert_eq!(memmem::find(&copy, text(&short).as_bytes()), None);
        assert_eq!(entries(&long, &copy), entries(&long, &at_long));
        // A path in the program itself is not replaced.
        let moves = Moves::new(vec![(other.to_owned(), "/opt/registry".to_owned())]);
        assert!(!is_movable(io::Cursor::new(&*at_short), &moves));
        assert_eq!(moved_archive(&at_short, &moves), None);
    }
}
