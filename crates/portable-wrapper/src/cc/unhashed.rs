//! Inputs of a C compile that sccache does not hash. sccache hashes the preprocessed source. It does not hash files that the
//! assembler includes, programs and specs files from options, precompiled headers, and the value of `__DATE__`. If it knows the
//! headers of an earlier compile (direct mode), it does not preprocess, and does not detect a new header that precedes one of
//! them on the search path. Sources are not preprocessed for this check, which would take as long as sccache itself. Instead,
//! they and the headers that they include in quotes, or from directories in the arguments, are searched for words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use memchr::{memchr_iter, memmem};

use crate::compiler::PROGRAM_VARIABLES;
use crate::digest::Key;
use sccfg_util::{env, fsio};

/// Options that make the compiler use other programs, as [`PROGRAM_VARIABLES`] do.
const OPTIONS: [&str; 5] = ["-B", "-specs", "--specs", "-wrapper", "-Xassembler"];
/// Variables that make compilers write additional files, or change their options.
const VARIABLES: [&str; 7] = [
    "CCC_OVERRIDE_OPTIONS",
    "CC_LOG_DIAGNOSTICS",
    "CC_PRINT_HEADERS",
    "CC_PRINT_OPTIONS",
    "CC_PRINT_PROC_STAT",
    "DEPENDENCIES_OUTPUT",
    "SUNPRO_DEPENDENCIES",
];
/// Options with a directory of headers.
const DIRECTORIES: [&str; 4] = ["-I", "-iquote", "-isystem", "-idirafter"];
/// Options with a file that is included first.
const INCLUDED: [&str; 2] = ["-include", "-imacros"];
/// The extensions of sources for the assembler.
const ASSEMBLED: [&str; 3] = ["s", "S", "sx"];
/// Other extensions of sources.
const COMPILED: [&str; 8] = ["c", "cc", "cpp", "cxx", "C", "c++", "m", "mm"];
/// Macros with the time, which sccache may not expand, and operators that test whether a header exists.
const UNSEEN: [&str; 5] = [
    "__DATE__",
    "__TIME__",
    "__TIMESTAMP__",
    "__has_include",
    "__has_embed",
];
/// Directives by which the assembler reads a file.
const DIRECTIVES: [&str; 2] = ["incbin", "include"];
/// The maximum number of sources and headers that are searched.
const MOST: usize = 10_000;

/// The digest of the directories in which the headers of the compile with these arguments in `directory` are found; empty if
/// there are no headers. `None` if the compile may have an input that sccache does not hash.
pub(crate) fn hashed_headers(args: &[String], directory: &Path) -> Option<String> {
    if !args.iter().any(|arg| arg == "-c") {
        return Some(String::new());
    }
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let mut variables = PROGRAM_VARIABLES.iter().chain(&VARIABLES);
    if variables.any(is_set) || args.iter().any(|arg| leads_elsewhere(arg)) || names_list(args) {
        return None;
    }
    let mut search = Search::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let value = |options: &[&str], rest: &mut std::slice::Iter<'_, String>| {
            let value = options.iter().find_map(|option| arg.strip_prefix(option))?;
            let value = if value.is_empty() {
                rest.next()?
            } else {
                value
            };
            Some(directory.join(value))
        };
        let kind = Path::new(arg).extension().and_then(|kind| kind.to_str());
        if let Some(path) = value(&DIRECTORIES, &mut rest) {
            search.directories.push(path);
        } else if let Some(path) = value(&INCLUDED, &mut rest) {
            search.found.push(path);
        } else if !arg.starts_with('-')
            && kind.is_some_and(|kind| ASSEMBLED.contains(&kind) || COMPILED.contains(&kind))
        {
            search.found.push(directory.join(arg));
        } else if arg == "-o" {
            rest.next();
        }
    }
    if search.has_found() {
        return None;
    }
    let is_empty = search.headers.parts().is_empty();
    Some(if is_empty {
        String::new()
    } else {
        search.headers.finish()
    })
}

/// Whether sccache does not deliver the list of headers that is asked for: it knows its name only from an argument of its own.
fn names_list(args: &[String]) -> bool {
    let has = |is_it: fn(&String) -> bool| args.iter().any(is_it);
    has(|arg| arg == "-MD" || arg == "-MMD") && !has(|arg| arg == "-MF")
}

/// Whether an argument is an `@FILE`, makes the compiler use other programs, or names a file for the assembler.
fn leads_elsewhere(arg: &str) -> bool {
    let is_option = |option: &&str| arg.starts_with(option);
    let names_file = |arg: &str| arg.split(',').any(|part| !part.starts_with('-'));
    arg.starts_with('@')
        || OPTIONS.iter().any(is_option)
        || arg.strip_prefix("-Wa,").is_some_and(names_file)
}

/// A search through a source and its headers.
#[derive(Default)]
struct Search {
    directories: Vec<PathBuf>,
    /// The files that are still to be searched.
    found: Vec<PathBuf>,
    seen: BTreeSet<PathBuf>,
    /// The directories of the searched files, with their canonical paths.
    resolved: BTreeMap<PathBuf, PathBuf>,
    /// By the name of a header: the number of the directory with it, starting at 1, and its path. `None` if no directory has
    /// it.
    in_directories: BTreeMap<String, Option<(usize, PathBuf)>>,
    /// The number of the directory in which each header was found.
    headers: Key,
}

impl Search {
    /// Whether one of the files may have an input that sccache does not hash, or has a precompiled header, or there are too
    /// many files.
    fn has_found(&mut self) -> bool {
        while let Some(file) = self.found.pop() {
            let file = self.resolved(file);
            if !self.seen.insert(file.clone()) {
                continue;
            }
            let mut compiled = file.clone().into_os_string();
            compiled.push(".gch");
            if self.seen.len() > MOST || fsio::exists(Path::new(&compiled)) {
                return true;
            }
            let Some(text) = fsio::read_bytes(&file) else {
                continue;
            };
            let kind = file.extension().unwrap_or_default().to_string_lossy();
            if is_unhashed(&text, ASSEMBLED.contains(&&*kind)) {
                return true;
            }
            self.add_included(&text, file.parent().unwrap_or(&file));
        }
        false
    }

    /// The path of a file with the canonical path of its directory. Without that, the paths of headers that include each other
    /// through `..` would grow.
    fn resolved(&mut self, file: PathBuf) -> PathBuf {
        let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else {
            return file;
        };
        let resolve = || {
            directory
                .canonicalize()
                .unwrap_or_else(|_| directory.to_owned())
        };
        let known = self.resolved.entry(directory.to_owned());
        known.or_insert_with(resolve).join(name)
    }

    /// Adds the headers that `text`, of a file in `directory`, includes.
    fn add_included(&mut self, text: &[u8], directory: &Path) {
        for at in memchr_iter(b'#', text) {
            let line = text[at + 1..].split(|byte| *byte == b'\n').next();
            let Some(name) = line.and_then(included) else {
                continue;
            };
            let beside = directory.join(name);
            let found = if beside.is_file() {
                Some((0, beside))
            } else {
                self.find_in_directories(name)
            };
            if let Some((nth, path)) = found {
                self.headers.add(name, nth.to_string());
                self.found.push(path);
            }
        }
    }

    /// The first directory with a header of this name: its number, and the path of the header.
    fn find_in_directories(&mut self, name: &str) -> Option<(usize, PathBuf)> {
        if let Some(known) = self.in_directories.get(name) {
            return known.clone();
        }
        let mut directories = (1..).zip(&self.directories);
        let found = directories.find_map(|(nth, directory)| {
            let path = directory.join(name);
            path.is_file().then_some((nth, path))
        });
        self.in_directories.insert(name.to_owned(), found.clone());
        found
    }
}

/// The file that a directive includes. `line` follows the `#`.
fn included(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.trim_start();
    let named = line.strip_prefix("include")?;
    let named = named.strip_prefix("_next").unwrap_or(named).trim_start();
    let (end, named) = match named.split_at_checked(1)? {
        ("\"", rest) => ('"', rest),
        ("<", rest) => ('>', rest),
        _ => return None,
    };
    Some(named.split_once(end)?.0)
}

/// Whether a source makes the assembler read a file, uses a macro with the time, or tests whether a header exists.
fn is_unhashed(text: &[u8], is_assembler: bool) -> bool {
    let has = |word: &str| memmem::find(text, word.as_bytes()).is_some();
    UNSEEN.iter().any(|word| has(word))
        || (is_assembler || has("asm")) && assembles_file(text, is_assembler)
}

/// Whether a text has a directive that reads a file, or the beginning of one that may be continued by another string or by a
/// parameter of a macro.
fn assembles_file(text: &[u8], is_assembler: bool) -> bool {
    memchr_iter(b'.', text).any(|at| {
        let rest = &text[at + 1..];
        // `\n` in a string begins a line of the assembler.
        let before = if at > 1 && text[at - 2] == b'\\' {
            b'\n'
        } else {
            text[at.max(1) - 1]
        };
        let is_member = at > 0 && (before.is_ascii_alphanumeric() || b"_)]".contains(&before));
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic());
        let (word, rest) = rest.split_at(length.take(DIRECTIVES[0].len() + 2).count());
        let word = word.to_ascii_lowercase();
        if DIRECTIVES
            .iter()
            .any(|directive| directive.as_bytes() == word)
        {
            return !is_member;
        }
        let is_start = DIRECTIVES
            .iter()
            .any(|directive| directive.as_bytes().starts_with(&word));
        is_start && !is_member && goes_on(rest, is_assembler)
    })
}

/// Whether a word continues in the next string literal, or with a parameter of an assembler macro, whose backslash is doubled
/// in a string literal.
fn goes_on(rest: &[u8], is_assembler: bool) -> bool {
    let is_parameter = |next: &u8| next.is_ascii_alphanumeric() || b"_@(".contains(next);
    match rest {
        [b'"', rest @ ..] => {
            let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
            next == Some(&b'"')
        }
        [b'\\', b'\\', next, ..] => is_parameter(next),
        [b'\\', next, ..] => is_assembler && is_parameter(next),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_that_read_files_are_found() {
        for reads in [
            "asm(\".incbin \\\"a\\\"\");",
            "asm(\".INCLUDE \\\"a\\\"\");",
            "asm(\".inc\" \"bin \\\"a\\\"\");",
            "asm(\".data\\n.incbin \\\"a\\\"\");",
            "asm(\".macro m x\\n.in\\\\x\\n.endm\");",
        ] {
            assert!(is_unhashed(reads.as_bytes(), false), "{reads}");
        }
        assert!(is_unhashed(b".macro m x\n.in\\x \"a\"\n.endm", true));
        assert!(is_unhashed(b"char d[] = __DATE__;", false));
        for reads_none in [
            "asm(\".p2align 6\\n\"); puts(\"Done.\\n\"); if (a.include) f(a.i);",
            "puts(\".incbin \\\"a\\\"\");",
        ] {
            assert!(!is_unhashed(reads_none.as_bytes(), false), "{reads_none}");
        }
    }

    #[test]
    fn included_headers_are_searched() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let reads = |line: &str| hashed_headers(&words(line), directory.path()).is_none();
        fsio::replace_and_create_dir(&path("a.c"), b"#include <b.h>\nint a;\n").unwrap();
        fsio::replace_and_create_dir(&path("h/b.h"), b"# include \"c.h\"\n").unwrap();
        fsio::replace_and_create_dir(&path("h/c.h"), b"int c;\n").unwrap();
        assert!(!reads("-c -I h a.c -o a.o"));
        let found = |line: &str| hashed_headers(&words(line), directory.path()).unwrap();
        assert_eq!(found("-c a.c -o a.o"), "");
        assert_ne!(
            found("-c -I h a.c -o a.o"),
            found("-c -I f -I h a.c -o a.o")
        );
        fsio::replace_and_create_dir(&path("h/d.h"), b"#include \"../h/d.h\"\n").unwrap();
        fsio::replace(&path("d.c"), b"#include \"h/d.h\"\n").unwrap();
        assert!(!reads("-c d.c -o d.o"));
        fsio::replace(&path("h/c.h"), b"asm(\".incbin \\\"x\\\"\");\n").unwrap();
        assert!(reads("-c -I h a.c -o a.o"));
        assert!(reads("-c -Ih a.c -o a.o"));
        assert!(!reads("-c a.c -o a.o"));
        assert!(reads("-c -include h/c.h a.c -o a.o"));
        fsio::replace(&path("h/c.h"), b"int c;\n").unwrap();
        fsio::replace(&path("h/c.h.gch"), b"").unwrap();
        assert!(reads("-c -Ih a.c -o a.o"));
    }

    #[test]
    fn a_header_beside_its_source_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let args = ["-c", "-I", "h", "a.c", "b/b.c"].map(str::to_owned);
        let write = |name: &str, text: &[u8]| {
            fsio::replace_and_create_dir(&directory.path().join(name), text).unwrap();
        };
        let found = || hashed_headers(&args, directory.path());
        let reads_file = b"asm(\".incbin \\\"x\\\"\");\n";
        let include = b"#include \"x.h\"\n";
        write("a.c", include);
        write("b/b.c", include);
        write("h/x.h", b"int x;\n");
        let in_directory = found().unwrap();
        for beside in ["x.h", "b/x.h"] {
            write(beside, b"int x;\n");
            assert_ne!(found().unwrap(), in_directory, "{beside}");
            write(beside, reads_file);
            assert!(found().is_none(), "{beside}");
            fsio::remove_file(&directory.path().join(beside)).unwrap();
        }
        // A header in the directory of one source is not found by the other.
        write("x.h", b"int x;\n");
        write("h/x.h", reads_file);
        assert!(found().is_none());
    }

    #[test]
    fn options_lead_to_other_files() {
        for arg in ["-specs=a", "-B", "-Bbin", "-Wa,a.s", "@args"] {
            assert!(leads_elsewhere(arg), "{arg}");
        }
        for arg in ["-Wa,--noexecstack", "-DB", "-std=c11", "-Wall"] {
            assert!(!leads_elsewhere(arg), "{arg}");
        }
    }
}
