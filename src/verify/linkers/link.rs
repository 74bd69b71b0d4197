//! The link of a program, as rustc ran it.

use std::ffi::OsString;
use std::path::Path;

use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The command with which rustc linked a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The variables that it set.
    pub(super) variables: Vec<(OsString, Option<OsString>)>,
    /// The compiler that ran the linker.
    pub(super) program: String,
    pub(super) args: Vec<String>,
}

impl Link {
    /// Reads what `--print link-args=FILE` wrote to `path`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let text = fsio::read(path)?.unwrap_or_default();
        Self::parse(&text).ok_or_else(|| {
            Problem::new(format!(
                "could not read the link command of rustc in {}",
                path.display()
            ))
            .hint("this version of rustc may print it in another form: please report it")
        })
    }

    /// The command as `std::process::Command` prints itself: `env -u A B="b" "cc" "-o" "x"`.
    fn parse(text: &str) -> Option<Self> {
        let mut link = Self {
            variables: Vec::new(),
            program: String::new(),
            args: Vec::new(),
        };
        let mut rest = text.trim();
        let mut words = Vec::new();
        while !rest.is_empty() {
            let end = rest.find(['"', ' ']).unwrap_or(rest.len());
            let bare = &rest[..end];
            rest = &rest[end..];
            if rest.starts_with('"') {
                let (value, after) = unquoted(rest)?;
                rest = after;
                match bare.strip_suffix('=') {
                    Some(name) => link.variables.push((name.into(), Some(value.into()))),
                    None if bare.is_empty() => words.push(value),
                    None => return None,
                }
            } else if bare == "-u" {
                let name = rest.trim_start().split(' ').next()?;
                rest = &rest.trim_start()[name.len()..];
                link.variables.push((name.into(), None));
            } else if bare != "env" {
                return None;
            }
            rest = rest.trim_start();
        }
        let mut words = words.into_iter();
        link.program = words.next()?;
        link.args = words.collect();
        link.output()?;
        Some(link)
    }

    /// The program that it writes.
    pub(super) fn output(&self) -> Option<&str> {
        let at = self.args.iter().position(|arg| arg == "-o")?;
        self.args.get(at + 1).map(String::as_str)
    }

    /// The same link with another output.
    pub(super) fn to(&self, output: &Path) -> Self {
        let mut link = self.clone();
        if let Some(at) = link.args.iter().position(|arg| arg == "-o") {
            link.args[at + 1] = output.display().to_string();
        }
        link
    }

    /// The same link without the linkers that the project's settings name; rustc's own choice stays.
    pub(super) fn without_chosen_linker(mut self) -> Self {
        self.args
            .retain(|arg| !is_choice(arg) || arg == "-fuse-ld=lld");
        let chosen = sccfg_util::env::var("NIX_CFLAGS_LINK");
        if chosen.is_some_and(|flags| flags.split_whitespace().any(is_choice)) {
            self.variables.push(("NIX_CFLAGS_LINK".into(), None));
        }
        self
    }
}

/// Whether an argument of the compiler names a linker.
fn is_choice(arg: &str) -> bool {
    arg.starts_with("-fuse-ld=") || arg.starts_with("--ld-path=")
}

/// The text in the quotation marks at the start of `text`, as `{:?}` writes it, and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                '0' => value.push('\0'),
                'u' => {
                    let digits: String = chars
                        .by_ref()
                        .map(|(_, char)| char)
                        .skip(1)
                        .take_while(|char| *char != '}')
                        .collect();
                    value.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                // A byte that is not UTF-8.
                'x' => return None,
                char => value.push(char),
            },
            char => value.push(char),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_rustc_prints_is_read() {
        let text = r#"env -u A LC_ALL="C" PATH="/a b:/c" "cc" "-m64" "/t/it's \"q\" \u{e9}\u{301}.o" "-o" "/t/app""#;
        let link = Link::parse(text).unwrap();
        assert_eq!(
            link.variables,
            [
                ("A".into(), None),
                ("LC_ALL".into(), Some("C".into())),
                ("PATH".into(), Some("/a b:/c".into())),
            ]
        );
        assert_eq!(link.program, "cc");
        assert_eq!(link.args[1], "/t/it's \"q\" \u{e9}\u{301}.o");
        assert_eq!(link.output(), Some("/t/app"));
        let other = link.to(Path::new("/u/app"));
        assert_eq!(other.output(), Some("/u/app"));
        for broken in [
            "",
            "cc -o x",
            r#""cc" "-o"#,
            r#""cc" "x.o""#,
            r#""cc" "\xff" "-o" "x""#,
        ] {
            assert_eq!(Link::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_linker_of_the_project_is_left_out() {
        let text = r#""cc" "-fuse-ld=lld" "-o" "x" "-fuse-ld=mold" "--ld-path=wild""#;
        let link = Link::parse(text).unwrap().without_chosen_linker();
        assert_eq!(link.args, ["-fuse-ld=lld", "-o", "x"]);
    }
}
