use super::*;

fn parsed(line: &str) -> Invocation {
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    parse(&words, Path::new("/w"))
}

#[track_caller]
fn unit(line: &str) -> Unit {
    match parsed(line) {
        Invocation::Unit(unit) => *unit,
        other => panic!("{other:?}"),
    }
}

const LIBRARY: &str = "--crate-name a --edition=2021 a/src/lib.rs --error-format=json \
    --json=diagnostic-rendered-ansi,artifacts --crate-type lib \
    --emit=dep-info,metadata,link -C embed-bitcode=no -C debuginfo=2 -C metadata=12 \
    -C extra-filename=-34 --out-dir /w/target/debug/deps -L dependency=/w/target/debug/deps \
    --extern serde=/w/target/debug/deps/libserde-1.rmeta --diagnostic-width=100 -Cstrip=none";

#[test]
fn parses_a_command_line_of_cargo() {
    let unit = unit(LIBRARY);
    assert_eq!(unit.stem(), "a-34");
    assert_eq!(unit.source, "a/src/lib.rs");
    assert_eq!(unit.emits, ["dep-info", "metadata", "link"]);
    assert_eq!(unit.codegen("strip"), Some("none"));
    assert_eq!(unit.externs[0].0, "serde");
    assert_eq!(unit.search[0].0, "dependency");
    assert_eq!(unit.unknown, None);
    assert!(!unit.is_linked());
    assert!(!unit.counted.iter().any(|word| word.contains("/w/")));
    assert!(!unit.counted.iter().any(|word| word == "100"));
}

#[test]
fn queries_are_not_compiles() {
    for line in [
        "-vV",
        "- --crate-name ___ --print=file-names",
        "--print sysroot",
    ] {
        assert!(matches!(parsed(line), Invocation::Other), "{line}");
    }
}

#[test]
fn unsupported_arguments_are_reported() {
    for more in [
        "-C incremental=/x",
        "-o x",
        "b.rs",
        "-C save-temps",
        "-Zself-profile=/x",
        "-Z dump_mir=all",
        "--crate-type bin -C link-arg=-Wl,-Map=x",
        "--crate-type bin -C link-arg=-Wl,--why-extract=x",
        "--crate-type cdylib -C link-arg=-Wl,--version-script=x",
    ] {
        let line = format!("{LIBRARY} {more}");
        assert!(
            matches!(parsed(&line), Invocation::Unsupported(..)),
            "{line}"
        );
    }
}

#[test]
fn unknown_flags_are_in_the_key() {
    for more in ["-Zprint-type-sizes", "--unheard-of"] {
        let unit = unit(&format!("{LIBRARY} {more}"));
        assert!(unit.unknown.is_some(), "{more}");
        assert!(unit.counted.len() > 10);
    }
}

#[test]
fn the_last_setting_of_coverage_counts() {
    for (more, has_coverage) in [
        ("-C debuginfo=1", false),
        ("-Cinstrument-coverage", true),
        ("-C instrument-coverage=all", true),
        ("-C instrument_coverage=y -C instrument-coverage=off", false),
    ] {
        let unit = unit(&format!("{LIBRARY} {more}"));
        assert_eq!(unit.has_coverage, has_coverage, "{more}");
        assert_eq!(unit.unknown, None);
    }
}

#[test]
#[cfg(not(target_vendor = "apple"))]
fn debug_information_may_be_in_separate_files() {
    use debug_info::SeparateDebugInfo::{Packed, Unpacked};
    for (more, separate) in [
        ("", None),
        ("-Csplit-debuginfo=off", None),
        ("-C split-debuginfo=packed", Some(Packed)),
        ("-C split_debuginfo=unpacked", Some(Unpacked)),
        ("-Csplit-debuginfo=packed -Csplit-debuginfo=off", None),
        ("-Csplit-debuginfo=packed -Cdebuginfo=0", None),
        ("-Csplit-debuginfo=packed -Cdebuginfo=0 -g", Some(Packed)),
        ("-Csplit-debuginfo=packed -g -Cdebuginfo=0", None),
        ("-Csplit-debuginfo=packed --emit=asm", Some(Packed)),
    ] {
        let words: Vec<OsString> = format!("{LIBRARY} {more}")
            .split_whitespace()
            .map(OsString::from)
            .collect();
        let (Invocation::Unit(unit) | Invocation::Unsupported(_, unit)) =
            parse(&words, Path::new("/w"))
        else {
            panic!("{more}");
        };
        assert_eq!(unit.separate_debug_info(), separate, "{more}");
    }
    for more in [
        "--target=aarch64-apple-darwin",
        "--out-dir=/w/a=b",
        "--remap-path-prefix=/w=/src",
        "-Zsplit-dwarf-kind=single",
        "-Z split_dwarf_out_dir=/elsewhere",
    ] {
        let line = format!("{LIBRARY} -Csplit-debuginfo=packed {more}");
        let why = Uncacheable::SeparateDebugInfo;
        assert!(
            matches!(parsed(&line), Invocation::Unsupported(found, _) if found == why),
            "{more}"
        );
    }
}

#[test]
fn rlibs_metadata_and_dep_info_are_not_final_outputs() {
    let unit = unit(LIBRARY);
    for name in ["a-34", "liba-34.so", "liba-34.a", "a-34.wasm"] {
        assert!(unit.is_final_output(name), "{name}");
    }
    for name in ["liba-34.rlib", "liba-34.rmeta", "a-34.d", "a-345", "ba-34"] {
        assert!(!unit.is_final_output(name), "{name}");
    }
}

#[test]
fn known_unstable_flags_are_in_the_key() {
    for more in [
        "-Zthreads=8",
        "-Z share-generics=y",
        "-Zunstable_options",
        "-Ztune-cpu=native",
    ] {
        let unit = unit(&format!("{LIBRARY} {more}"));
        assert_eq!(unit.unknown, None, "{more}");
    }
}

#[test]
fn long_command_lines_are_written_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("arguments");
    let in_file = OsString::from(format!("@{}", file.display()));
    let shortened = |args: &[String]| {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        shortened(args, &file).unwrap()
    };
    let few = ["rustc".to_owned(), "--test".to_owned()];
    assert_eq!(shortened(&few), few.each_ref().map(OsString::from));
    let long = "a".repeat(LONGEST);
    for (args, kept) in [
        (vec!["rustc".to_owned(), long.clone(), String::new()], 1),
        (vec!["--test".to_owned(), long.clone()], 0),
        (vec!["@scope/lib.rs".to_owned()], 0),
    ] {
        let short = shortened(&args);
        assert_eq!(short.len(), kept + 1);
        assert_eq!(short[kept], in_file);
        assert_eq!(expand(&short, directory.path()).unwrap(), args);
    }
    let with_line = ["a\nb".to_owned(), long];
    assert_eq!(shortened(&with_line).len(), 2);
}

#[test]
fn a_test_is_a_program() {
    let unit = unit(&format!("{LIBRARY} --test"));
    assert!(unit.is_linked());
    assert_eq!(unit.crate_types, ["bin"]);
}
