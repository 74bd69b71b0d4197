mod linked;

use std::path::Path;

use object::{Object as _, ObjectSection as _};
use sccfg_requires::requires;
use sccfg_util::fsio;

use super::*;
use crate::binary;
use crate::native_strings::{self, Fill};
use crate::path_map::{PathMap, Role, placeholder_of_native_string};

const SOURCE: &str = r#"
    static const char other[] = "x";
    const char *const table[] = { "first", DIRECTORY "/share", "last" };
    const char *middle(void) { return DIRECTORY "/lib/engines"; }
    const char *name(int i) { return table[i]; }
    const char *end(void) { return other; }
    const char *file(void) { return __FILE__; }
"#;
const MAIN: &str = r#"
    #include <stdio.h>
    const char *middle(void); const char *name(int); const char *end(void); const char *file(void);
    int main(void) {
        printf("%s %s %s %s %s %s\n", name(0), name(1), name(2), middle(), end(), file());
        return 0;
    }
"#;

/// Data because of which an object is not read into memory.
const LARGE: &str = "char large[25 << 20] = { 1 };\n";

/// Compiles [`SOURCE`] in `directory` to an archive, and returns it.
fn archive(directory: &Path, flags: &[&str]) -> Vec<u8> {
    fsio::create_dir_all(directory).unwrap();
    let source = directory.join("some_source_with_a_long_name.c");
    fsio::replace(&source, SOURCE.as_bytes()).unwrap();
    fsio::replace(&directory.join("other.c"), b"int unrelated;").unwrap();
    let define = format!("-DDIRECTORY=\"{}\"", directory.display());
    for (source, object) in [
        (source.as_path(), "a.o"),
        (&directory.join("other.c"), "b.o"),
    ] {
        let mut args = flags.to_vec();
        let (source, object) = (source.to_str().unwrap(), directory.join(object));
        args.extend([&*define, "-c", source, "-o", object.to_str().unwrap()]);
        run(directory, "cc", &args);
    }
    run(directory, "ar", &["rcs", "liba.a", "b.o", "a.o"]);
    fsio::read_artifact(directory.join("liba.a")).unwrap()
}

fn run(directory: &Path, program: &str, args: &[&str]) -> String {
    let output = sccfg_util::proc::output(program, args, directory).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Links `archive` with [`MAIN`], and runs the program.
fn printed(directory: &Path, archive: &[u8]) -> String {
    printed_by(MAIN, directory, archive)
}

fn printed_by(main: &str, directory: &Path, archive: &[u8]) -> String {
    fsio::replace(&directory.join("libm.a"), archive).unwrap();
    fsio::replace(&directory.join("main.c"), main.as_bytes()).unwrap();
    run(directory, "cc", &["main.c", "libm.a", "-o", "main"]);
    run(directory, "./main", &[])
}

fn moved_archive(archive: &[u8], moves: &Moves) -> Option<Vec<u8>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let to = file.reopen().unwrap();
    let fits = copy_moved(io::Cursor::new(archive), to, moves).unwrap();
    fits.then(|| fsio::read_artifact(file.path()).unwrap())
}

/// What `readelf` and `objdump` print of debug information, without offsets into sections.
fn debug_info(directory: &Path, archive: &[u8]) -> Vec<String> {
    fsio::replace(&directory.join("d.a"), archive).unwrap();
    let text = run(directory, "objdump", &["-W", "-s", "-j", ".comment", "d.a"]);
    // The texts in `.debug_str` have another order.
    let names = text
        .lines()
        .filter(|line| line.contains('/') && !line.contains("  0x0"));
    let without_offset = |line: &str| match line.split_once("): ") {
        Some((_, name)) => name.to_owned(),
        None => line.trim().to_owned(),
    };
    names.map(without_offset).collect()
}

#[rstest::rstest]
#[case::release(&["-O2"])]
#[case::debug(&["-O1", "-g"])]
#[case::dwarf_4(&["-O1", "-gdwarf-4"])]
#[case::dwarf_4_optimized(&["-O2", "-gdwarf-4", "-fPIC", "-ffunction-sections", "-fdata-sections"])]
#[case::dwarf_5(&["-O2", "-gdwarf-5", "-fPIC"])]
#[case::without_pic(&["-O1", "-fno-pic", "-mcmodel=large"])]
fn a_moved_archive_equals_one_compiled_elsewhere(#[case] flags: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    let short = root.path().join("here");
    let long = root.path().join("somewhere/else/with/a/longer/name");
    let (at_short, at_long) = (archive(&short, flags), archive(&long, flags));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (from, to, old, new) in [
        (&short, &long, &at_short, &at_long),
        (&long, &short, &at_long, &at_short),
    ] {
        let moves = Moves::new(vec![(text(from), text(to))]).with_texts();
        let moved = moved_archive(old, &moves).expect("it fits");
        assert_eq!(memmem::find(&moved, text(from).as_bytes()), None);
        assert_eq!(printed(to, &moved), printed(to, new));
        assert_eq!(debug_info(to, &moved), debug_info(to, new));
        // As good as new: it can be moved back.
        let back = Moves::new(vec![(text(to), text(from))]).with_texts();
        let back = moved_archive(&moved, &back).expect("it fits");
        assert_eq!(printed(from, &back), printed(from, old));
    }
}

/// What the linker is given, and what the program becomes that it makes of it.
#[rstest::rstest]
#[case::release(&["-O2"])]
#[case::debug(&["-O1", "-g"])]
#[case::dwarf_4(&["-O2", "-gdwarf-4", "-fPIC"])]
fn a_shorter_path_is_written_into_strings_of_a_program(#[case] flags: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("here/there");
    let from = here.to_str().unwrap().to_owned();
    let archive = archive(&here, flags);
    let mut path_map = PathMap::default();
    path_map.add(&here, Role::Target).unwrap();
    let moves =
        Moves::new(vec![(from.clone(), Role::Target.placeholder().to_owned())]).with_texts();
    let moves = moves.for_linking(vec![(from.clone(), placeholder_of_native_string())]);
    let for_linking = moved_archive(&archive, &moves).expect("it fits");
    assert_eq!(memmem::find(&for_linking, from.as_bytes()), None);
    // Other texts of the program would end in those of the archive.
    let main = format!("{MAIN}\nconst char *const ends[] = {{ \"/engines\", \"share\" }};");
    let said = printed_by(&main, &here, &archive);
    // As it is delivered, anything can link it. What the wrapper links of that is what it links of the stored one.
    let delivered = here.join("delivered.a");
    fsio::replace(&delivered, &for_linking).unwrap();
    native_strings::write_paths(&delivered, &path_map, Fill::Mark).unwrap();
    let delivered = fsio::read_artifact(delivered).unwrap();
    assert_eq!(printed_by(&main, &here, &delivered), said);
    let program = here.join("main");
    assert!(native_strings::write_placeholders(&program, &path_map, Fill::Mark).unwrap());
    let stored = fsio::read_artifact(&program).unwrap();
    assert_eq!(memmem::find(&stored, from.as_bytes()), None);
    printed_by(&main, &here, &for_linking);
    binary::write_paths_in(&here.join("main"), &path_map).unwrap();
    // A process that another test starts at this moment has the program open for writing for a while.
    run(&here, "cp", &["main", "copy"]);
    assert_eq!(run(&here, "./copy", &[]), said);
    let program = fsio::read_artifact(here.join("main")).unwrap();
    assert_eq!(memmem::find(&program, b"/sccfg-"), None);
    assert!(memmem::find(&program, format!("{from}/lib/engines\0").as_bytes()).is_some());
}

#[test]
fn unknown_structures_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("here");
    let from = here.to_str().unwrap().to_owned();
    let longer = Moves::new(vec![(from.clone(), format!("{from}/there"))]).with_texts();
    // A constant array is no section of strings, and other code may know its size.
    let array = format!("const char array[] = \"{from}/x\";");
    // Without optimization, texts are in a section with other constants.
    let text = format!("const char *f(void) {{ return \"{from}/x\"; }}");
    // Code for the linker is compressed or packed.
    for (source, flags) in [(array, "-O2"), (text.clone(), "-O0"), (text, "-flto")] {
        fsio::create_dir_all(&here).unwrap();
        fsio::replace(&here.join("x.c"), source.as_bytes()).unwrap();
        run(
            &here,
            "cc",
            &[flags, "-ffat-lto-objects", "-c", "x.c", "-o", "x.o"],
        );
        let object = fsio::read_artifact(here.join("x.o")).unwrap();
        assert_eq!(moved_archive(&object, &longer), None, "{flags}");
    }
    assert_eq!(
        moved_archive(format!("{from} as text").as_bytes(), &longer),
        None
    );
}

/// gcc makes `fwrite` with a length of it.
#[test]
fn strings_of_unknown_programs_keep_their_length() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("here");
    fsio::create_dir_all(&here).unwrap();
    let from = here.to_str().unwrap().to_owned();
    let source =
        format!("#include <stdio.h>\nvoid f(void) {{ fputs(\"{from}/share\", stdout); }}\n");
    fsio::replace(&here.join("x.c"), source.as_bytes()).unwrap();
    let args = ["-O2", "-g", "-c", "x.c", "-o", "x.o"];
    run(&here, "cc", &args);
    let object = fsio::read_artifact(here.join("x.o")).unwrap();
    for (to, fits) in [
        (format!("{from}/there"), false),
        (from.replace("/here", "/home"), true),
    ] {
        let moves = Moves::new(vec![(from.clone(), to)]);
        assert_eq!(moved_archive(&object, &moves).is_some(), fits);
    }
}

/// Short strings, and on x86-64 strings on the stack, are put together from numbers; compressed debug information is not read.
#[test]
fn objects_that_may_hide_paths_are_not_searchable() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("a/directory/with/a/name");
    fsio::create_dir_all(&here).unwrap();
    let from = here.to_str().unwrap().to_owned();
    let on_stack =
        format!("void g(char *);\nvoid f(void) {{ char text[] = \"{from}/share\"; g(text); }}\n");
    let copied = format!("void f(char *to) {{ __builtin_memcpy(to, \"{from}\", 8); }}\n");
    let plain = format!("const char *f(void) {{ return \"{from}\"; }}\n");
    let wide = format!("const void *f(void) {{ return L\"{from}\"; }}\n");
    let wide_16 = wide.replace("L\"", "u\"");
    for (source, flag, is_fine) in [
        (&plain, "-O2", true),
        (&on_stack, "-O0", cfg!(not(target_arch = "x86_64"))),
        (&copied, "-O2", false),
        (&plain, "-gz", false),
        (&wide, "-O2", false),
        (&wide_16, "-O2", false),
    ] {
        for large in ["", LARGE] {
            fsio::replace(&here.join("x.c"), [large, source].concat().as_bytes()).unwrap();
            run(&here, "cc", &[flag, "-g", "-c", "x.c", "-o", "x.o"]);
            run(&here, "ar", &["rcs", "x.a", "x.o"]);
            for file in ["x.o", "x.a"] {
                let object = fsio::open(&here.join(file)).unwrap();
                assert_eq!(
                    is_searchable(object, &[&from]),
                    is_fine,
                    "{file} {flag} {large} {source}"
                );
            }
            fsio::remove_file(&here.join("x.a")).unwrap();
        }
    }
}

#[test]
fn paths_of_the_same_length_are_replaced_anywhere() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("here");
    let array = archive(&here, &["-O0", "-g"]);
    let from = here.to_str().unwrap();
    let to = from.replace("/here", "/copy");
    let moves = Moves::new(vec![(from.to_owned(), to.clone())]);
    let elsewhere = moved_archive(&array, &moves).expect("it fits");
    assert_eq!(elsewhere.len(), array.len());
    assert!(printed(&here, &elsewhere).contains(&format!("{to}/share")));
}

#[test]
fn sections_keep_their_alignment() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("here");
    archive(&here, &["-O2", "-g"]);
    let object = fsio::read_artifact(here.join("a.o")).unwrap();
    let from = here.to_str().unwrap().to_owned();
    let moves = Moves::new(vec![(from.clone(), format!("{from}{:y<100}", "/"))]).with_texts();
    // The headers of the sections are at the end. A linker refuses this alignment as well.
    let table = usize::try_from(u64::from_le_bytes(*object[40..].first_chunk().unwrap())).unwrap();
    let mut damaged = object.clone();
    for header in damaged[table..].chunks_exact_mut(64) {
        header[48..56].copy_from_slice(&(1_u64 << 56).to_le_bytes());
    }
    assert_eq!(moved(damaged, &moves), None);
    let elsewhere = moved(object, &moves).expect("it fits");
    let file = object::File::parse(&*elsewhere).unwrap();
    for section in file.sections() {
        if let Some((at, _)) = section.file_range() {
            assert_eq!(at % section.align().max(1), 0, "{:?}", section.name());
        }
    }
}

/// harfbuzz-sys compiles one source to an object of 25 MiB.
#[test]
fn large_objects_are_copied_if_they_contain_no_path_that_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("here");
    fsio::create_dir_all(&here).unwrap();
    let from = here.to_str().unwrap();
    let moves = Moves::new(vec![(from.to_owned(), format!("{from}/else/where"))]);
    let map = format!("-ffile-prefix-map={from}=.");
    for (flag, fits) in [(&*map, true), ("-g", false)] {
        // Members of odd sizes are padded.
        let source = format!("{LARGE}int number(void) {{ return large[0]; }}\n");
        fsio::replace(&here.join("large.c"), source.as_bytes()).unwrap();
        fsio::replace(
            &here.join("small.c"),
            b"int number(void);\nint more(void) { return number() + 1; }\n",
        )
        .unwrap();
        run(&here, "cc", &["-g", flag, "-c", "large.c"]);
        let mut large = fsio::read_artifact(here.join("large.o")).unwrap();
        assert_eq!(moved_archive(&large, &moves), fits.then(|| large.clone()));
        large.push(0);
        fsio::replace(&here.join("large.o"), &large).unwrap();
        // The path in this one is replaced by a longer one.
        run(&here, "cc", &["-g", "-c", "small.c"]);
        run(&here, "ar", &["rcs", "lib.a", "small.o", "large.o"]);
        let archive = fsio::read_artifact(here.join("lib.a")).unwrap();
        let copy = moved_archive(&archive, &moves);
        assert_eq!(copy.is_some(), fits);
        if let Some(longer) = copy {
            assert!(longer.len() > archive.len());
            let main = "int more(void);\nint printf(const char *, ...);\nint main(void) { return printf(\"%d\\n\", more()) < 0; }\n";
            assert_eq!(printed_by(main, &here, &longer), "2\n");
        }
        fsio::remove_file(&here.join("lib.a")).unwrap();
    }
}
