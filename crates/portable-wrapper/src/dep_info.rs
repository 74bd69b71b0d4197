//! rustc's dep-info: sources and variables, in the syntax of a makefile with comments.

use memchr::memmem;

/// The sources and variables of a crate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DepInfo {
    /// The paths of the sources, as rustc writes them.
    pub(super) files: Vec<String>,
    /// The variables that `env!` and `option_env!` read: name, and value if it is set.
    pub(super) variables: Vec<(String, Option<String>)>,
}

impl DepInfo {
    /// `None` if it has no rule.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (_, files) = text.lines().find_map(|line| {
            line.split_once(": ")
                .or_else(|| line.strip_suffix(':').map(|target| (target, "")))
        })?;
        let variables = text.lines().filter_map(|line| {
            let variable = line.strip_prefix("# env-dep:")?;
            Some(match variable.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(unescape(value))),
                None => (variable.to_owned(), None),
            })
        });
        Some(Self {
            files: names(files),
            variables: variables.collect(),
        })
    }
}

/// Dep-info with the outputs in `directory`. That of a hit may name another directory, for example of another profile.
pub(super) fn with_outputs_in(directory: &[u8], text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let changed = |line: &[u8]| {
        let name = end_of_output(line).and_then(|end| memchr::memrchr(b'/', &line[..end]));
        match name {
            Some(name) => [directory, &line[name..]].concat(),
            None => line.to_owned(),
        }
    };
    lines.flat_map(changed).collect()
}

/// The end of the output's name in a line, if the line is a rule with sources.
pub(super) fn end_of_output(line: &[u8]) -> Option<usize> {
    memmem::find(line, b": ").filter(|_| !line.starts_with(b"#"))
}

/// Undoes rustc's escapes of backslashes and line breaks.
fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            letter => out.push(letter),
        }
    }
    out
}

/// Names separated by blanks; a blank in a name is escaped with a backslash.
fn names(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut name = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&' ') => {
                letters.next();
                name.push(' ');
            }
            ' ' => {
                if !name.is_empty() {
                    all.push(std::mem::take(&mut name));
                }
            }
            letter => name.push(letter),
        }
    }
    if !name.is_empty() {
        all.push(name);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "/t/debug/deps/a-1.d: a/src/lib.rs a/src/with\\ blank.rs /t/out/g.rs\n\n\
        a/src/lib.rs:\n\n# env-dep:OUT_DIR=/t/out\n# env-dep:NOT_SET\n# env-dep:LINES=a\\nb\\\\c\n";

    #[test]
    fn files_and_variables_are_read() {
        let info = DepInfo::parse(TEXT).unwrap();
        assert_eq!(
            info.files,
            ["a/src/lib.rs", "a/src/with blank.rs", "/t/out/g.rs"]
        );
        let set = |value: &str| Some(value.to_owned());
        assert_eq!(
            info.variables,
            [
                ("OUT_DIR".to_owned(), set("/t/out")),
                ("NOT_SET".to_owned(), None),
                ("LINES".to_owned(), set("a\nb\\c")),
            ]
        );
        assert_eq!(DepInfo::parse(""), None);
    }

    #[test]
    fn outputs_get_another_directory() {
        let moved = with_outputs_in(b"/t/other/deps", TEXT.as_bytes());
        let wanted = TEXT.replace("/t/debug/deps/a-1.d: ", "/t/other/deps/a-1.d: ");
        assert_eq!(String::from_utf8(moved).unwrap(), wanted);
    }
}
