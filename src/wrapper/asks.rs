//! What the code of procedural macros asks for while it runs in the compiler, of which dep-info says
//! nothing: read off their sources, and those of the crates that they are linked with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What code may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a thing of its own")]
pub(super) struct Asks {
    /// These variables.
    pub(super) variables: BTreeSet<String>,
    /// Variables whose names are not written out.
    pub(super) any_variable: bool,
    /// Files.
    pub(super) files: bool,
    /// Where it runs, or where a source file is.
    pub(super) place: bool,
    /// What other programs say.
    pub(super) programs: bool,
    /// What git says of the repository.
    pub(super) history: bool,
    /// What is another thing each time, or leaves something behind: the time, or to write a file.
    pub(super) each_time: bool,
}

/// Functions of `std::env` that say nothing of a place.
const HARMLESS: [&str; 8] = [
    "ARCH",
    "args",
    "consts",
    "join_paths",
    "set_var",
    "split_paths",
    "temp_dir",
    "remove_var",
];
/// Calls that look at files. Of `File` alone, every macro has one: it is what syn calls a source.
const OF_FILES: [&str; 11] = [
    "File::open",
    "File::create",
    "File::options",
    ".exists()",
    ".try_exists()",
    ".is_file()",
    ".is_dir()",
    ".metadata()",
    ".symlink_metadata()",
    ".canonicalize()",
    ".read_link()",
];
/// Calls that write files, or ask for the time.
const EACH_TIME: [&str; 9] = [
    "File::create",
    "OpenOptions",
    "create_dir",
    "fs::copy(",
    "fs::rename(",
    "fs::write(",
    "SystemTime::now(",
    "Local::now(",
    "Utc::now(",
];
/// What asks for the history of a repository.
const OF_HISTORY: [&str; 4] = ["\"git\"", "\".git", "git2::", "gix::"];
/// They hand on what others ask for: whoever calls this says so in his own source.
const HANDS_ON: [&str; 1] = ["proc_macro2"];
/// It asks cargo alone, and nothing but where the manifest of the workspace is.
const ASKS_CARGO: [&str; 1] = ["proc_macro_crate"];

impl Asks {
    /// All there is: code that nobody has looked at.
    pub(super) fn everything() -> Self {
        Self {
            variables: BTreeSet::new(),
            any_variable: true,
            files: true,
            place: true,
            programs: true,
            history: true,
            each_time: false,
        }
    }

    /// What the crate `name` asks for by itself, if these are its sources.
    pub(super) fn of_crate<'a>(name: &str, sources: impl IntoIterator<Item = &'a str>) -> Self {
        let mut asks = Self::default();
        if !HANDS_ON.contains(&name) {
            for source in sources {
                asks.read(source);
            }
        }
        asks.programs &= !ASKS_CARGO.contains(&name);
        asks
    }

    fn read(&mut self, source: &str) {
        for line in without_tests(source) {
            let code = line.split("//").next().unwrap_or(line);
            self.files |= words(code).any(|word| matches!(word, "read_dir" | "WalkDir" | "glob"))
                || names_fs(code)
                || OF_FILES.iter().any(|call| code.contains(call));
            self.programs |= ["process::Command", "process::{", "process::*"]
                .iter()
                .any(|import| code.contains(import))
                || code.contains("Command::new(\"");
            self.history |= OF_HISTORY.iter().any(|it| code.contains(it));
            self.each_time |= EACH_TIME.iter().any(|call| code.contains(call));
            self.place |= [
                "current_dir(",
                "current_exe(",
                "local_file(",
                "source_file(",
            ]
            .iter()
            .any(|call| code.contains(call));
            self.read_variables(code);
        }
    }

    fn read_variables(&mut self, code: &str) {
        let mut rest = code;
        while let Some(at) = rest.find("env::") {
            rest = &rest[at + "env::".len()..];
            let name: &str = words(rest).next().unwrap_or_default();
            if HARMLESS.contains(&name) || name.starts_with("current_") {
                continue;
            }
            let argument = rest
                .strip_prefix(name)
                .and_then(|rest| rest.trim_start().strip_prefix('('));
            let literal = argument
                .and_then(|it| it.trim_start().strip_prefix('"'))
                .and_then(|it| it.split_once('"'));
            match literal {
                Some((variable, _)) if matches!(name, "var" | "var_os") => {
                    self.variables.insert(variable.to_owned());
                }
                _ => self.any_variable = true,
            }
        }
    }

    /// Adds what `other` asks for.
    pub(super) fn add(&mut self, other: &Self) {
        self.variables.extend(other.variables.iter().cloned());
        self.any_variable |= other.any_variable;
        self.files |= other.files;
        self.place |= other.place;
        self.programs |= other.programs;
        self.history |= other.history;
        self.each_time |= other.each_time;
    }
}

/// Whether it names the module; `fs.x` and `(fs)` are variables.
fn names_fs(code: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices("fs").any(|(at, word)| {
        let after = &code[at + word.len()..];
        !code[..at].ends_with(is_word)
            && !after.starts_with(is_word)
            && !after.starts_with(['.', ')'])
    })
}

/// The lines that are not of modules for tests, which end where a brace stands below their name.
fn without_tests(source: &str) -> impl Iterator<Item = &str> {
    let mut end: Option<String> = None;
    let mut is_marked = false;
    source.lines().filter(move |line| {
        if let Some(wanted) = &end {
            if line.trim_end() == wanted {
                end = None;
            }
            return false;
        }
        let word = line.trim_start();
        if is_marked && word.starts_with("mod ") && word.trim_end().ends_with('{') {
            let indent = &line[..line.len() - word.len()];
            end = Some(format!("{indent}}}"));
        }
        is_marked = word.trim_end() == "#[cfg(test)]";
        end.is_none()
    })
}

/// The words of a text, as Rust has them.
pub(super) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// The texts that a source writes out, as a macro may take them for names of files or variables.
pub(super) fn literals(source: &str) -> BTreeSet<&str> {
    const LONGEST: usize = 200;
    source
        .lines()
        .flat_map(|line| line.split('"'))
        .filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.contains('\\'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(source: &str) -> Asks {
        Asks::of_crate("a", [source])
    }

    #[test]
    fn what_a_macro_asks_for_is_in_its_source() {
        assert_eq!(
            asks("quote! { env!(\"X\") } // std::fs, env::var(x)"),
            Asks::default()
        );
        assert!(
            asks("let x = std::env::var(\"A\");")
                .variables
                .contains("A")
        );
        assert!(!asks("let x = std::env::var(\"A\");").any_variable);
        for source in [
            "env::var(name)",
            "use std::env::var;",
            "env::vars()",
            "use std::env::{self, var}",
        ] {
            assert!(asks(source).any_variable, "{source}");
        }
        assert!(!asks("env::temp_dir()").any_variable);
        for source in [
            "use std::{fs, path}",
            "std::fs::read(x)",
            "File::open(x)",
            "Path::new(x).exists()",
            "x.metadata().is_ok()",
        ] {
            assert!(asks(source).files, "{source}");
        }
        assert!(!asks("Fields::Named(ref fs) => fs.named.len()").files);
        assert!(!asks("fn visit_file(&mut self, it: syn::File) {}").files);
        let tested =
            "a\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\nlet x = std::env::var(\"A\");";
        assert!(!asks(tested).files && asks(tested).variables.contains("A"));
        assert!(asks("span.local_file()").place);
        for source in [
            "std::process::Command::new(\"git\")",
            "use std::process::{Command, Stdio};",
        ] {
            assert!(asks(source).programs, "{source}");
        }
        assert!(!asks("std::process::exit(1)").programs);
        assert!(asks("Command::new(\"git\")").history && !asks("Command::new(\"cargo\")").history);
        assert!(asks("std::fs::write(x, y)").each_time && !asks("std::fs::read(x)").each_time);
        assert_eq!(
            Asks::of_crate("proc_macro2", ["span.local_file()"]),
            Asks::default()
        );
        let runs = "std::process::Command::new(cargo)";
        assert!(!Asks::of_crate("proc_macro_crate", [runs]).programs);
    }

    #[test]
    fn literals_are_what_stands_between_quotes() {
        let found = literals("m!(\"a/b.txt\", \"X\")\n");
        assert!(found.contains("a/b.txt") && found.contains("X"));
    }
}
