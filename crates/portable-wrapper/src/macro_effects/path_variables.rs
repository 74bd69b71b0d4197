//! Whether the sources of a crate use a variable with a path only to include a file. The result of
//! `include_str!(concat!(env!("OUT_DIR"), "/x"))` has the content of the file, and neither the path nor a value computed from
//! it. Everything else counts as another use: the name of the variable in any other string literal, code in the argument of a
//! macro, which may transform it, and a name that is not a literal. Included code may ask for its own path, which is that of
//! the `include!`. Generated code does not, as long as it uses only macros of the standard library.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Component, Path};

use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::Author;
use super::identifiers::{may_have, places_of};
use super::standard::{LOCATION_MACROS, PLAIN_MACROS};
use super::tokens::{Kind, Token, tokens};

/// The variables by which sources often include files.
const PATHS: [&str; 2] = ["CARGO_MANIFEST_DIR", "OUT_DIR"];

/// The variable with the directory of generated files, which are all among the sources.
const GENERATED: &str = "OUT_DIR";

/// Which procedural macros attributes may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AttributeMacros {
    #[default]
    None,
    Derives,
    Any,
}

const INCLUDING: [&str; 3] = ["include", "include_bytes", "include_str"];
const READING: [&str; 2] = ["env", "option_env"];
/// Macros of the standard library that do not ask for the path of the source, besides these and [`PLAIN_MACROS`].
const OTHER_PLAIN: [&str; 6] = [
    "addr_of",
    "addr_of_mut",
    "module_path",
    "offset_of",
    "thread_local",
    "writeln",
];

/// Attributes that add no code, and `derive`.
const PLAIN_ATTRIBUTES: [&str; 26] = [
    "allow",
    "automatically_derived",
    "cfg",
    "cold",
    "deny",
    "deprecated",
    "derive",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "inline",
    "link",
    "link_name",
    "macro_export",
    "must_use",
    "no_mangle",
    "non_exhaustive",
    "repr",
    "rustfmt",
    "target_feature",
    "test",
    "track_caller",
    "unsafe",
    "used",
    "warn",
];

/// Derives of the standard library, and the components of their paths.
const PLAIN_DERIVES: [&str; 20] = [
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "clone",
    "cmp",
    "core",
    "default",
    "derive",
    "fmt",
    "hash",
    "marker",
    "prelude",
    "std",
    "v1",
];

/// Functions that read a variable at run time. Their use in macros counts as an input of the macro.
const RUNTIME_FUNCTIONS: [&str; 2] = ["var", "var_os"];

/// Whether a published source may read variables at compile time or include files. Other sources need not be parsed.
pub(super) fn may_read_or_include(source: &str) -> bool {
    let is_named = |name: &&str| memmem::find(source.as_bytes(), name.as_bytes()).is_some();
    // `#[path = "…"]`, with comments in it.
    let is_attribute = |at: usize| {
        let line = source[..at].rsplit('\n').next().unwrap_or_default();
        let is_first = line.trim_end().is_empty();
        let after = source[at + "path".len()..].trim_start();
        (is_first || line.trim_end().ends_with(['[', ',', '(', '#', '/']))
            && after.starts_with(['=', '/'])
    };
    let mut macros = READING.iter().chain(&INCLUDING);
    macros.any(|name| may_have(source, name))
        || PATHS.iter().any(is_named)
        || places_of(source.as_bytes(), "path").any(is_attribute)
}

/// The variables of [`PATHS`] that a source may make the compiler read for more than the path of an included file.
pub(super) fn used_otherwise(tokens: &[Token<'_>], author: Author) -> BTreeSet<String> {
    let in_arguments = OnceCell::new();
    let is_argument = |at: usize| in_arguments.get_or_init(|| in_arguments_of(tokens))[at];
    // A macro of a published crate reads by it what a string literal names, here or there. In own code, other names count as well.
    let is_given = |at: usize| {
        is_one_of(tokens.get(at), &READING)
            && is_whole_argument(tokens, at)
            && is_argument(at)
            && match author {
                Author::Published => !is_bound(tokens, tokens[at].text),
                Author::Other => tokens.iter().any(makes_text),
            }
    };
    let may_be_any = |at| {
        is_hidden_name(tokens, at)
            || is_unknown_file(tokens, at)
            || is_renamed(tokens, at, author)
            || is_given(at)
    };
    if (0..tokens.len()).any(may_be_any) {
        return all();
    }
    let mut used = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        if !matches!(token.kind, Kind::Text | Kind::Literal) {
            continue;
        }
        let named = PATHS.iter().filter(|name| token.text.contains(**name));
        for name in named {
            let is_name = token.kind == Kind::Text && token.text == *name;
            let is_included = is_included(tokens, at) && !is_argument(at);
            if !(is_name && (is_included || is_read_at_run_time(tokens, at))) {
                used.insert((*name).to_owned());
            }
        }
    }
    used
}

/// Whether each string literal of a source that `is_path` accepts is the path of a file that the source includes. Comments do
/// not count.
pub(in super::super) fn only_includes(source: &str, is_path: impl Fn(&str) -> bool) -> bool {
    let tokens = tokens(source);
    let is_argument = in_arguments_of(&tokens);
    let is_name = |at: usize| {
        let is_of_macro = is_one_of(get(&tokens, called_around(&tokens, at)), &INCLUDING);
        let before = |distance| get(&tokens, at.checked_sub(distance));
        let is_of_module = is_mark(before(1), "=") && is_one_of(before(2), &["path"]);
        tokens[at].kind == Kind::Text && !is_argument[at] && (is_of_macro || is_of_module)
    };
    let is_text = |at: &usize| matches!(tokens[*at].kind, Kind::Text | Kind::Literal);
    let mut texts = (0..tokens.len()).filter(is_text);
    texts.all(|at| !is_path(tokens[at].text) || is_name(at))
}

/// All of [`PATHS`].
pub(super) fn all() -> BTreeSet<String> {
    PATHS.map(str::to_owned).into()
}

/// Whether `name` is one of [`PATHS`].
pub(in super::super) fn is_path_variable(name: &str) -> bool {
    PATHS.contains(&name)
}

/// The token at `at`, if there is one.
fn get<'t, 'a>(tokens: &'t [Token<'a>], at: Option<usize>) -> Option<&'t Token<'a>> {
    tokens.get(at?)
}

fn is_one_of(token: Option<&Token<'_>>, names: &[&str]) -> bool {
    token.is_some_and(|token| token.kind == Kind::Ident && names.contains(&token.text))
}

/// Whether a token is the name of a macro of the standard library that does not ask for the path of the source.
pub(super) fn is_plain(token: Option<&Token<'_>>) -> bool {
    let is_in = |names: &[&str]| is_one_of(token, names);
    is_in(&PLAIN_MACROS) && !is_in(&LOCATION_MACROS)
        || is_in(&INCLUDING)
        || is_in(&READING)
        || is_in(&OTHER_PLAIN)
}

fn is_mark(token: Option<&Token<'_>>, mark: &str) -> bool {
    token.is_some_and(|token| token.is_punctuation(mark))
}

fn is_open(token: Option<&Token<'_>>) -> bool {
    token.is_some_and(|token| matches!(token.kind, Kind::Open(_)))
}

/// Whether a variable is read at `at` by a name that is not a string literal.
fn is_hidden_name(tokens: &[Token<'_>], at: usize) -> bool {
    let argument = tokens.get(at + 3);
    let is_text = argument.is_some_and(|argument| argument.kind == Kind::Text);
    let is_made = || argument.is_some_and(makes_text);
    let may_read = is_one_of(tokens.get(at), &READING)
        || is_made() && is_mark(get(tokens, at.checked_sub(1)), "$");
    // A macro has the name from a string literal, here or where it is used, unless it is made of parts.
    let is_literal = || is_mark(argument, "#") && !tokens.iter().any(is_part_of_name);
    may_read && is_called(tokens, at) && !is_text && !is_literal()
}

/// Whether a token is a string literal from which one of the names of [`PATHS`] may be made.
fn is_part_of_name(token: &Token<'_>) -> bool {
    const PARTS: [&str; 4] = ["CARGO_{", "DIR", "MANIFEST", "OUT"];
    matches!(token.kind, Kind::Text | Kind::Literal)
        && (token.text.trim_end_matches('"').ends_with("CARGO_")
            || PARTS.iter().any(|part| token.text.contains(part)))
}

/// Whether a token is the name of a macro that makes a string literal of others.
fn makes_text(token: &Token<'_>) -> bool {
    is_one_of(Some(token), &["concat", "stringify"])
}

/// The files with code that a source includes, relative to its own or another directory, and whether that is known to be its own.
pub(super) fn included_files<'t>(tokens: &'t [Token<'_>]) -> impl Iterator<Item = (&'t str, bool)> {
    (0..tokens.len()).filter_map(|at| match included_file(tokens, at) {
        Some(Included::Named(name)) => Some((name, false)),
        Some(Included::Beside(name)) => Some((name, true)),
        Some(Included::Unknown) | None => None,
    })
}

/// An included file with code.
enum Included<'t> {
    /// A file with this name in some directory.
    Named(&'t str),
    /// A file with this path, relative to the directory of the source.
    Beside(&'t str),
    /// A file whose name is not known.
    Unknown,
}

/// Whether a file with code and an unknown name is included at `at`.
fn is_unknown_file(tokens: &[Token<'_>], at: usize) -> bool {
    matches!(included_file(tokens, at), Some(Included::Unknown))
}

/// The file with code that is included at `at`, unless a build script generated it.
fn included_file<'t>(tokens: &'t [Token<'_>], at: usize) -> Option<Included<'t>> {
    let named = |name: &'t Token<'_>| {
        let is_name = name.kind == Kind::Text && Path::new(name.text).file_name().is_some();
        if is_name {
            Included::Named(name.text)
        } else {
            Included::Unknown
        }
    };
    let token = &tokens[at];
    let before = get(tokens, at.checked_sub(1)).map_or("", |before| before.text);
    let may_be_attribute = matches!(before, "[" | "," | "(") && is_mark(tokens.get(at + 1), "=");
    if token.is_ident("path") && may_be_attribute && is_in_attribute(tokens, at) {
        let name = tokens.get(at + 2)?;
        // In `#[path = "."] mod a { … }`, the path is a directory. `/` is one for the attribute of another macro.
        let is_directory = Path::new(name.text)
            .components()
            .all(|part| matches!(part, Component::CurDir | Component::RootDir));
        return (name.kind == Kind::Text && !is_directory).then(|| named(name));
    }
    if !token.is_ident("include") || !is_called(tokens, at) || is_generated(tokens, at) {
        return None;
    }
    let Kind::Open(end) = tokens[at + 2].kind else {
        return Some(Included::Unknown);
    };
    let arguments = tokens.get(at + 3..end).unwrap_or_default().iter();
    let is_text = |token: &&Token<'_>| matches!(token.kind, Kind::Text | Kind::Literal);
    // A macro's file is relative to the source that uses the macro.
    let is_whole = arguments.len() == 1 && !is_in_macro(tokens, at);
    let name = arguments.rev().find(is_text);
    Some(match name.map_or(Included::Unknown, named) {
        Included::Named(name) if is_whole => Included::Beside(name),
        other => other,
    })
}

/// The positions of the brackets around the token at `at`, the inner ones first.
fn brackets_around<'t>(tokens: &'t [Token<'_>], at: usize) -> impl Iterator<Item = usize> + 't {
    let is_around = move |open: &usize| matches!(tokens[*open].kind, Kind::Open(end) if end > at);
    (0..at).rev().filter(is_around)
}

/// Whether the token at `at` is in the definition or the arguments of a macro. Any code of a source with a `macro` may be.
fn is_in_macro(tokens: &[Token<'_>], at: usize) -> bool {
    brackets_around(tokens, at).any(|open| {
        let before = |distance| get(tokens, open.checked_sub(distance));
        is_mark(before(1), "!") || is_mark(before(2), "!")
    }) || tokens.iter().any(|token| token.is_ident("macro"))
}

/// Whether the token at `at` is in the brackets of an attribute.
fn is_in_attribute(tokens: &[Token<'_>], at: usize) -> bool {
    let outer = brackets_around(tokens, at).find(|open| tokens[*open].text == "[");
    outer.is_some_and(|open| is_of_attribute(tokens, open))
}

/// Whether the bracket at `open` is that of an attribute.
fn is_of_attribute(tokens: &[Token<'_>], open: usize) -> bool {
    let before = |distance| get(tokens, open.checked_sub(distance));
    let is_inner = is_mark(before(1), "!") && is_mark(before(2), "#");
    tokens[open].text == "[" && (is_mark(before(1), "#") || is_inner)
}

/// Whether the source declares a variable or parameter of this name, so that the name need not be that of a macro.
fn is_bound(tokens: &[Token<'_>], name: &str) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        let before = get(tokens, at.checked_sub(1));
        let has_type = is_mark(tokens.get(at + 1), ":") && !is_mark(before, "$");
        token.is_ident(name) && (has_type || is_one_of(before, &["let"]))
    })
}

/// Whether the tokens at `at` may give a macro of this module another name, or its name to another macro. In a published crate,
/// a macro with the name of a standard one is assumed to be similar, unless it is one that reads variables or includes files.
fn is_renamed(tokens: &[Token<'_>], at: usize, author: Author) -> bool {
    let token = tokens.get(at);
    let before = |distance| get(tokens, at.checked_sub(distance));
    let is_used = is_one_of(token, &READING) || is_one_of(token, &INCLUDING);
    let is_defined = is_one_of(before(1), &["as", "macro"])
        || is_mark(before(1), "!") && is_one_of(before(2), &["macro_rules"]);
    // A function of this name is a macro only with a `proc_macro` attribute.
    let is_function = is_one_of(token, &INCLUDING)
        && is_one_of(before(1), &["fn"])
        && tokens.iter().any(|token| token.is_ident("proc_macro"));
    is_function
        || is_defined && (is_used || author == Author::Other && is_plain(token))
        || is_used && is_one_of(tokens.get(at + 1), &["as"]) && !is_mark(tokens.get(at + 2), "*")
}

/// Whether a macro of the name at `at` is called.
pub(super) fn is_called(tokens: &[Token<'_>], at: usize) -> bool {
    is_mark(tokens.get(at + 1), "!") && is_open(tokens.get(at + 2))
}

/// Whether the macro that is called at `at` includes a file of a build script, all of which are among the sources.
fn is_generated(tokens: &[Token<'_>], at: usize) -> bool {
    let end = tokens.len().min(at + 16);
    let text = (at..end).find(|at| tokens[*at].kind == Kind::Text);
    text.is_some_and(|text| tokens[text].text == GENERATED && is_included(tokens, text))
}

/// For each token, whether it is in the arguments of a macro that may transform it. The body of a macro definition counts like
/// its use.
fn in_arguments_of(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut found = vec![false; tokens.len()];
    for (at, token) in tokens.iter().enumerate() {
        let Kind::Open(end) = token.kind else {
            continue;
        };
        let name = get(tokens, at.checked_sub(2));
        let is_argument = is_mark(get(tokens, at.checked_sub(1)), "!")
            && name.is_some_and(|name| name.kind == Kind::Ident);
        if is_argument && !is_plain(name) {
            found[at..end.min(tokens.len())].fill(true);
        }
    }
    found
}

/// Whether the token at `at` is a whole argument, so that a macro may call the macro of that name.
fn is_whole_argument(tokens: &[Token<'_>], at: usize) -> bool {
    let ends = |token: Option<&Token<'_>>| {
        token.is_none_or(|token| token.kind == Kind::Close || matches!(token.text, "," | ";" | "="))
    };
    let before = get(tokens, at.checked_sub(1));
    let begins = is_open(before)
        || before.is_none_or(|token| matches!(token.text, "," | ";" | ">" | "=" | ":"));
    begins && ends(tokens.get(at + 1))
}

/// Whether the string literal at `at` is the name in `include!(concat!(env!(name), …))` or `include!(env!(name))`.
fn is_included(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(env) = called_around(tokens, at) else {
        return false;
    };
    let is_read = is_one_of(tokens.get(env), &READING);
    let mut outer = called_around(tokens, path_before(tokens, env));
    if is_one_of(get(tokens, outer), &["concat"]) {
        outer = outer.and_then(|concat| called_around(tokens, path_before(tokens, concat)));
    }
    let is_code = get(tokens, outer).is_some_and(|name| name.is_ident("include"));
    let is_known = !is_code || tokens[at].text == GENERATED;
    is_read && is_known && is_one_of(get(tokens, outer), &INCLUDING)
}

/// Whether the code of these tokens may ask for its own path by the call of a macro.
pub(super) fn may_ask_for_place(tokens: &[Token<'_>]) -> bool {
    (0..tokens.len()).any(|at| {
        let before = |distance| get(tokens, at.checked_sub(distance));
        let is_marked = is_open(tokens.get(at)) && is_mark(before(1), "!");
        let is_called = is_marked && before(2).is_some_and(|name| name.kind == Kind::Ident);
        let is_of_path = before(3).is_some_and(|mark| mark.kind == Kind::PathSeparator);
        let is_standard = !is_of_path || is_one_of(before(4), &["alloc", "core", "ptr", "std"]);
        is_called && !(is_standard && is_plain(before(2)))
    })
}

/// The procedural macros that the attributes among these tokens may be.
pub(super) fn macros_of_attributes(tokens: &[Token<'_>]) -> AttributeMacros {
    let in_attribute = |at: usize| match tokens[at].kind {
        Kind::Open(end) if is_of_attribute(tokens, at) => {
            Some(tokens.get(at + 1..end).unwrap_or_default())
        }
        _ => None,
    };
    let attributes = (0..tokens.len()).filter_map(in_attribute);
    attributes.map(macros_of).max().unwrap_or_default()
}

fn macros_of(attribute: &[Token<'_>]) -> AttributeMacros {
    let is_derive = attribute
        .first()
        .is_some_and(|name| name.is_ident("derive"));
    let mut names = attribute.iter().filter(|token| token.kind == Kind::Ident);
    if !is_one_of(attribute.first(), &PLAIN_ATTRIBUTES) {
        AttributeMacros::Any
    } else if is_derive && !names.all(|name| is_one_of(Some(name), &PLAIN_DERIVES)) {
        AttributeMacros::Derives
    } else {
        AttributeMacros::None
    }
}

/// The position of the macro's name in `name!(`, directly before `at`.
fn called_around(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let name = at.checked_sub(3)?;
    let is_called = is_open(tokens.get(at - 1)) && is_mark(tokens.get(at - 2), "!");
    (is_called && tokens[name].kind == Kind::Ident).then_some(name)
}

/// The start of the path that ends with the name at `at`, such as `std::env`.
pub(super) fn path_before(tokens: &[Token<'_>], mut at: usize) -> usize {
    while at > 0 && tokens[at - 1].kind == Kind::PathSeparator {
        at -= 1;
        if at > 0 && tokens[at - 1].kind == Kind::Ident {
            at -= 1;
        }
    }
    at
}

/// Whether the string literal at `at` is the argument of one of [`RUNTIME_FUNCTIONS`].
fn is_read_at_run_time(tokens: &[Token<'_>], at: usize) -> bool {
    is_open(get(tokens, at.checked_sub(1)))
        && is_one_of(get(tokens, at.checked_sub(2)), &RUNTIME_FUNCTIONS)
}

#[cfg(test)]
mod tests;
