//! Recognises lines of shell code in a user's hook that would undo what the region before them did.

use crate::variable::Variable;

/// The effect of a line of a hook on sccfg's variables or on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// It only sets, exports or unsets such variables: each with its value, if any.
    Assignment(Vec<(Variable, Option<String>)>),
    /// It only starts or stops the server.
    Server,
    /// It does so, and other things.
    Mixed(&'static str),
}

impl Conflict {
    /// The changed variable or server, for messages.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Assignment(all) => all
                .first()
                .map_or("a variable", |(variable, _)| variable.name()),
            Self::Server => "the running server",
            Self::Mixed(what) => what,
        }
    }
}

/// Whether a line of shell code stops sccache's server, and if so, whether it does nothing else.
pub fn stops_server(line: &str) -> Option<bool> {
    let first = line.split_whitespace().next().unwrap_or_default();
    if !line.contains("--stop-server") || prints(first) {
        return None;
    }
    match conflict(line)? {
        Conflict::Server => Some(true),
        Conflict::Mixed(_) => Some(false),
        Conflict::Assignment(_) => None,
    }
}

/// A variable that a line of shell code sets, exports or unsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// One of those that sccfg manages.
    pub name: &'static str,
    /// The value, if the line is a plain assignment.
    pub value: Option<String>,
    /// Whether the line does nothing else.
    pub is_whole: bool,
}

/// The first variable that sccfg manages and that a line of shell code changes.
pub fn assigned(line: &str) -> Option<Assigned> {
    match conflict(line)? {
        Conflict::Assignment(all) => {
            let (variable, value) = all.into_iter().next()?;
            Some(Assigned {
                name: variable.name(),
                value,
                is_whole: true,
            })
        }
        Conflict::Mixed(what) => {
            let mut variables = Variable::ALL.into_iter();
            let name = variables.find(|variable| variable.name() == what)?.name();
            Some(Assigned {
                name,
                value: None,
                is_whole: false,
            })
        }
        Conflict::Server => None,
    }
}

/// Classifies a line of shell code; interpolations of Nix count as parts of words.
pub(super) fn conflict(line: &str) -> Option<Conflict> {
    let code = line.trim();
    // `without_line` writes the second one.
    let is_comment = code.starts_with('#') || code.starts_with(": #");
    if is_comment || !mentions(code) {
        return None;
    }
    let words = simple_words(code);
    let is_one_command = words.is_some() || !code.contains([';', '&', '|', '`', '(']);
    let first = code.split_whitespace().next().unwrap_or_default();
    if is_one_command && prints(first) {
        return None;
    }
    let Some(words) = words else {
        return mixed(code);
    };
    if is_server_command(&words) {
        return Some(Conflict::Server);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (declaration, rest) = Declaration::of(&words);
    let assigned: Option<Vec<_>> = (rest.iter())
        .map(|word| assignment(word, declaration))
        .collect();
    match assigned {
        Some(all) if !all.is_empty() => Some(Conflict::Assignment(all)),
        _ => mixed(code),
    }
}

/// What a command does with the variables that are its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declaration {
    /// `NAME=value` alone.
    Assigns,
    /// Programs see the value.
    Exports,
    /// Programs no longer see a value.
    Removes,
}

impl Declaration {
    /// What a command does, and the words with the variables.
    fn of<'w, 't>(words: &'w [&'t str]) -> (Self, &'w [&'t str]) {
        match words {
            ["unset", "-v", rest @ ..]
            | ["unset", rest @ ..]
            | ["export", "-n", rest @ ..]
            | ["declare" | "typeset", "+x", rest @ ..] => (Self::Removes, rest),
            ["export", rest @ ..] | ["declare" | "typeset", "-x", rest @ ..] => {
                (Self::Exports, rest)
            }
            _ => (Self::Assigns, words),
        }
    }
}

/// Whether a command prints its arguments.
fn prints(command: &str) -> bool {
    matches!(command, "echo" | "printf")
}

fn mentions(code: &str) -> bool {
    code.contains("-server") && code.contains("sccache")
        || Variable::ALL
            .iter()
            .any(|variable| code.contains(variable.name()))
}

/// `NAME=value`; if a command removes variables, `NAME`.
fn assignment(word: &str, declaration: Declaration) -> Option<(Variable, Option<String>)> {
    match word.split_once('=') {
        Some((name, value)) if declaration != Declaration::Removes => {
            Some((Variable::from_name(name)?, Some(unquoted(value))))
        }
        None if declaration == Declaration::Removes => Some((Variable::from_name(word)?, None)),
        _ => None,
    }
}

/// Whether a line does more than mention a name: `NAME=` at the start of a word, `unset NAME`, a
/// server command.
fn mixed(code: &str) -> Option<Conflict> {
    for variable in Variable::ALL {
        let name = variable.name();
        let sets = code.match_indices(name).any(|(at, _)| {
            let (before, rest) = (&code[..at], &code[at + name.len()..]);
            let starts = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            starts
                && !before.ends_with(['$', '{'])
                && (rest.starts_with('=') || ends && is_removed(before))
        });
        if sets {
            return Some(Conflict::Mixed(name));
        }
    }
    code.contains("--stop-server")
        .then_some(Conflict::Mixed("the running server"))
}

/// Whether a name after `before` is an argument of a command that removes variables.
fn is_removed(before: &str) -> bool {
    let command = before.rsplit([';', '&', '|', '(', '{']).next();
    let words = command.unwrap_or_default().split_whitespace();
    let words: Vec<&str> = words
        .skip_while(|word| matches!(*word, "then" | "do" | "else"))
        .collect();
    Declaration::of(&words).0 == Declaration::Removes
}

/// `sccache --stop-server 2>/dev/null || true`
fn is_server_command(words: &[String]) -> bool {
    let Some((command, rest)) = words.split_first() else {
        return false;
    };
    let program = command.rsplit('/').next().unwrap_or(command);
    let is_sccache = program == "sccache" || command == "$RUSTC_WRAPPER";
    let starts_or_stops = rest
        .first()
        .is_some_and(|word| word == "--stop-server" || word == "--start-server");
    is_sccache
        && starts_or_stops
        && rest[1..].iter().all(|word| {
            matches!(word.as_str(), "||" | "true" | ":" | "&" | "/dev/null")
                || word.starts_with(['>', '<', '&'])
                || word.starts_with("1>")
                || word.starts_with("2>")
        })
}

/// The words of a simple command; quotes and `${…}` do not split words. `None` for anything else:
/// several commands, a substitution, an open quote.
fn simple_words(code: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut in_word = false;
    let mut quote = None;
    let mut braces = 0_u32;
    let mut characters = code.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (_, '\\' | '`') => return None,
            (None | Some('"'), '$') => {
                word.push('$');
                match characters.peek() {
                    Some('{') => {
                        characters.next();
                        word.push('{');
                        braces += 1;
                    }
                    Some('(') => return None,
                    _ => {}
                }
                in_word = true;
            }
            (_, '}') if braces > 0 => {
                braces -= 1;
                word.push('}');
            }
            (_, c) if braces > 0 => word.push(c),
            (Some(open), c) if c == open => {
                quote = None;
                word.push(c);
            }
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => {
                quote = Some(character);
                in_word = true;
                word.push(character);
            }
            (None, '#') if !in_word => break,
            (None, ';') => {
                let rest: String = characters.collect();
                let rest = rest.trim();
                if rest.is_empty() || rest.starts_with('#') {
                    break;
                }
                return None;
            }
            (None, c) if c.is_whitespace() => {
                if in_word {
                    words.push(std::mem::take(&mut word));
                    in_word = false;
                }
            }
            (None, '(' | ')' | '{' | '}') => return None,
            (None, c) => {
                in_word = true;
                word.push(c);
            }
        }
    }
    if quote.is_some() || braces > 0 {
        return None;
    }
    if in_word {
        words.push(word);
    }
    // `a && b` and `a | b` are more than one command; the caller handles `|| true`.
    let joined = words
        .iter()
        .any(|word| matches!(word.as_str(), "&&" | "|" | "|&" | "!"));
    (!joined).then_some(words)
}

fn unquoted(value: &str) -> String {
    value.replace(['"', '\''], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_assignments() {
        let one = |variable, value: &str| {
            Some(Conflict::Assignment(vec![(
                variable,
                Some(value.to_owned()),
            )]))
        };
        assert_eq!(
            conflict("  export SCCACHE_CACHE_SIZE=10G"),
            one(Variable::SccacheCacheSize, "10G")
        );
        assert_eq!(
            conflict("export SCCACHE_CACHE_SIZE=\"10G\"; # small"),
            one(Variable::SccacheCacheSize, "10G")
        );
        assert_eq!(
            conflict("export RUSTC_WRAPPER=${pkgs.sccache}/bin/sccache"),
            one(Variable::RustcWrapper, "${pkgs.sccache}/bin/sccache")
        );
        assert_eq!(
            conflict("export SCCACHE_DIR=\"$HOME/my cache\""),
            one(Variable::SccacheDir, "$HOME/my cache")
        );
        for removes in [
            "unset RUSTC_WRAPPER",
            "unset -v RUSTC_WRAPPER",
            "export -n RUSTC_WRAPPER",
            "declare +x RUSTC_WRAPPER",
            "typeset +x RUSTC_WRAPPER # not here",
        ] {
            assert_eq!(
                conflict(removes),
                Some(Conflict::Assignment(vec![(Variable::RustcWrapper, None)])),
                "{removes}"
            );
        }
    }

    #[test]
    fn commands_to_the_server() {
        assert_eq!(
            conflict("sccache --stop-server >/dev/null 2>&1 || true"),
            Some(Conflict::Server)
        );
        assert_eq!(
            conflict("${pkgs.sccache}/bin/sccache --start-server"),
            Some(Conflict::Server)
        );
        assert_eq!(
            conflict("if pgrep x; then sccache --stop-server; fi"),
            Some(Conflict::Mixed("the running server"))
        );
    }

    #[test]
    fn variables_that_a_line_changes() {
        let of = |line| assigned(line).map(|found| (found.name, found.value, found.is_whole));
        let set = ("CARGO_INCREMENTAL", Some("1".to_owned()), true);
        assert_eq!(of("export CARGO_INCREMENTAL=1 # x"), Some(set));
        assert_eq!(
            of("unset RUSTC_WRAPPER"),
            Some(("RUSTC_WRAPPER", None, true))
        );
        let mixed = ("RUSTC_WRAPPER", None, false);
        assert_eq!(of("test x && export RUSTC_WRAPPER=y"), Some(mixed));
        assert_eq!(of("pgrep x && sccache --stop-server"), None);
        assert_eq!(of("# export RUSTC_WRAPPER=y"), None);
    }

    #[test]
    fn lines_that_stop_the_server() {
        assert_eq!(
            stops_server("  sccache --stop-server || true\n"),
            Some(true)
        );
        assert_eq!(
            stops_server("pgrep x && sccache --stop-server"),
            Some(false)
        );
        for line in [
            "sccache --start-server",
            "# sccache --stop-server",
            "echo sccache --stop-server",
        ] {
            assert_eq!(stops_server(line), None, "{line}");
        }
    }

    #[test]
    fn lines_that_only_read_are_kept() {
        for line in [
            "echo $RUSTC_WRAPPER",
            "# export RUSTC_WRAPPER=x",
            "echo \"wrapper: ${RUSTC_WRAPPER:-none}\"",
            "sccache --show-stats",
            "export MY_RUSTC_WRAPPER=x",
            "sccache --zero-stats > /dev/null",
            "echo \"RUSTC_WRAPPER=$RUSTC_WRAPPER\"",
            "printf \"RUSTC_WRAPPER=%s\\n\" \"$RUSTC_WRAPPER\"",
            "printf 'to compile without it: unset RUSTC_WRAPPER\n'",
            "unset RUSTC_WRAPPER_LOG",
            "if true; then unset RUSTC_WRAPPER_LOG; fi",
        ] {
            assert_eq!(conflict(line), None, "{line}");
        }
    }

    #[test]
    fn lines_that_do_more_are_named() {
        for line in [
            "export FOO=1 RUSTC_WRAPPER=x",
            "[ -n \"$CI\" ] && export RUSTC_WRAPPER=x",
            "export SCCACHE_DIR=$(pwd)/.cache",
            "if true; then export CARGO_INCREMENTAL=1; fi",
            "if true; then export -n RUSTC_WRAPPER; fi",
            "unset FOO RUSTC_WRAPPER",
            "declare +x FOO RUSTC_WRAPPER",
        ] {
            assert!(matches!(conflict(line), Some(Conflict::Mixed(_))), "{line}");
        }
    }
}
