//! A C compiler's command line, as build scripts write it.

use std::path::{Path, PathBuf};

/// A compile of one source to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CcArgs {
    /// The source, as on the command line.
    pub(super) source: String,
    pub(super) output: PathBuf,
    /// The arguments without `-o` and `-c`.
    pub(super) args: Vec<String>,
    /// Whether the code is for this machine's processor (`-march=native`).
    pub(super) is_for_this_processor: bool,
}

/// Options with a separate value.
const WITH_VALUE: [&str; 11] = [
    "-D",
    "-I",
    "-U",
    "-idirafter",
    "-imacros",
    "-include",
    "-iquote",
    "-isysroot",
    "-isystem",
    "-target",
    "-x",
];
/// Prefixes of options that affect only the object.
const PLAIN: [&str; 37] = [
    "-O",
    "--sysroot=",
    "--target=",
    "-W",
    "-fPIC",
    "-fPIE",
    "-fcf-protection",
    "-fcolor-diagnostics",
    "-fcommon",
    "-fdata-sections",
    "-fdiagnostics-color",
    "-fexceptions",
    "-ffast-math",
    "-ffp-contract=",
    "-ffreestanding",
    "-ffunction-sections",
    "-fmerge-all-constants",
    "-fno-",
    "-fnon-request-exceptions",
    "-fomit-frame-pointer",
    "-fpic",
    "-fpie",
    "-frtti",
    "-fshort-",
    "-fsigned-",
    "-fstack-clash-protection",
    "-fstack-protector",
    "-fstrict-",
    "-ftls-model=",
    "-ftrapping-math",
    "-ftree-vectorize",
    "-funroll-loops",
    "-funsigned-",
    "-funwind-tables",
    "-fvisibility",
    "-fwrapv",
    "-m",
];
/// Whole options that affect only the object.
const PLAIN_WORDS: [&str; 16] = [
    "-ansi",
    "-g",
    "-g0",
    "-g1",
    "-g2",
    "-g3",
    "-ggdb",
    "-gdwarf",
    "-gdwarf-2",
    "-gdwarf-3",
    "-gdwarf-4",
    "-gdwarf-5",
    "-nostdinc",
    "-pipe",
    "-pthread",
    "-w",
];
/// Prefixes of options that are passed to other programs.
const HANDED_ON: [&str; 4] = ["-Wa,", "-Wl,", "-Wp,", "-mllvm"];
/// The extensions of sources that are preprocessed.
const SOURCES: [&str; 7] = ["S", "c", "cc", "cpp", "cxx", "C", "c++"];

impl CcArgs {
    /// `None` for anything but one source that is compiled with known options.
    pub(super) fn parse(words: &[String], cwd: &Path) -> Option<Self> {
        let (mut args, mut sources, mut output) = (Vec::new(), Vec::new(), None);
        let (mut is_object, mut is_for_this_processor) = (false, false);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "-c" {
                is_object = true;
            } else if let Some(value) = word.strip_prefix("-o") {
                let value = if value.is_empty() {
                    rest.next()?
                } else {
                    value
                };
                output = Some(cwd.join(value));
            } else if WITH_VALUE.contains(&word.as_str()) {
                args.extend([word.clone(), rest.next()?.clone()]);
            } else if is_plain(word) {
                is_for_this_processor |= word.starts_with("-m") && word.ends_with("=native");
                args.push(word.clone());
            } else if word.starts_with(['-', '@']) {
                return None;
            } else {
                sources.push(word.clone());
                args.push(word.clone());
            }
        }
        let [source] = <[String; 1]>::try_from(sources).ok()?;
        let extension = Path::new(&source).extension()?.to_str()?;
        (is_object && SOURCES.contains(&extension)).then_some(())?;
        Some(Self {
            source,
            output: output?,
            args,
            is_for_this_processor,
        })
    }

    /// Whether the current directory is recorded in debug information.
    pub(super) fn records_cwd(&self) -> bool {
        let mut words = self.args.iter().map(String::as_str);
        words.any(|word| word.starts_with("-g") && word != "-g0")
    }

    pub(super) fn is_cpp(&self) -> bool {
        let extension = Path::new(&self.source).extension();
        extension.is_some_and(|extension| extension != "c" && extension != "S")
    }
}

fn is_plain(word: &str) -> bool {
    let starts = |prefix: &&str| word.starts_with(prefix);
    if HANDED_ON.iter().any(starts) {
        return false;
    }
    let has_value = WITH_VALUE.iter().any(|option| {
        let rest = word.strip_prefix(option);
        rest.is_some_and(|rest| !rest.is_empty()) && option.len() == 2
    });
    let is_word =
        PLAIN_WORDS.contains(&word) || word.starts_with("-std=") || word.starts_with("-pedantic");
    has_value || is_word || PLAIN.iter().any(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<CcArgs> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        CcArgs::parse(&words, Path::new("/w/p"))
    }

    const LINE: &str = "-O0 -ffunction-sections -fPIC -gdwarf-4 -fno-omit-frame-pointer -m64 \
        -I native -Iinclude -DN=1 -D M -Wall -Wextra -std=c11 -o /w/target/x/out/12-a.o -c native/a.c";

    #[test]
    fn parses_a_command_line_of_the_cc_crate() {
        let object = parse(LINE).unwrap();
        assert_eq!(object.source, "native/a.c");
        assert_eq!(object.output, Path::new("/w/target/x/out/12-a.o"));
        assert!(
            !object
                .args
                .iter()
                .any(|argument| argument.contains("12-a.o") || argument == "-c")
        );
        assert_eq!(object.args.len(), 16);
        assert!(!object.is_for_this_processor);
        assert!(
            parse(&format!("{LINE} -march=native"))
                .unwrap()
                .is_for_this_processor
        );
    }

    #[test]
    fn options_that_may_read_or_write_other_files_are_refused() {
        for more in [
            "-MD",
            "-MF x.d",
            "-save-temps",
            "--coverage",
            "-flto",
            "-fplugin=x.so",
            "-Wa,-I,x",
            "-gsplit-dwarf",
            "-gz",
            "-fprofile-use=x",
            "@more",
            "b.c",
            "-fmodules",
            "-mllvm -x",
            "-fsanitize-blacklist=x",
            "-fdebug-prefix-map=/w=x",
            "-",
            "-v",
            "-E",
            "-S",
        ] {
            assert_eq!(parse(&format!("{LINE} {more}")), None, "{more}");
        }
        assert_eq!(parse("native/a.c -o a.o"), None);
        assert_eq!(parse("-c native/a.s -o a.o"), None);
    }
}
